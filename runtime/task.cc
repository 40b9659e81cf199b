#include "sluice/runtime/task.h"

#include "sluice/runtime/function_name.h"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace sluice {

void destroyed_half_way(const Coroutine& task) noexcept {
    const std::string name = coroutine_name(task.frame);
    const std::string wait = task.wait() != nullptr ? task.wait()->waits_for() : "another task";
    std::fprintf(stderr, "%s was destroyed before its end: it awaits %s\n", name.c_str(),
                 wait.c_str());
    std::abort();
}

}  // namespace sluice
