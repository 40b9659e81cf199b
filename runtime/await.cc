#include "sluice/runtime/await.h"

#include "sluice/runtime/describe.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace sluice {

std::string Perform::waits_for() const {
    return describe(request);
}

std::string Sleep::waits_for() const {
    const Duration left = std::max(due_ - waiter_->loop->now(), Duration::zero());
    char text[64];
    std::snprintf(text, sizeof text, "a timer, due in %.3f s",
                  std::chrono::duration<double>(left).count());
    return text;
}

std::string Event::description() const {
    const std::string descriptor = "descriptor " + std::to_string(descriptor_);
    switch (kind_) {
        case EventKind::any: return "an event";
        case EventKind::input: return "input of " + descriptor;
        case EventKind::accepted: return "a connection at " + descriptor;
        case EventKind::task_end: return "the end of a task it started";
        case EventKind::tasks_end: return "the end of all tasks it started";
        case EventKind::call_end: return "a call on another thread";
    }
    return {};
}

}  // namespace sluice
