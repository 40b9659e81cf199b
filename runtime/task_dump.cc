#include "sluice/runtime/task_dump.h"

#include "sluice/runtime/ensure.h"
#include "sluice/runtime/frame_pool.h"
#include "sluice/runtime/function_name.h"
#include "sluice/runtime/thread_stack.h"

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

namespace {

// A frame of a started task, and where it lies.
struct Listed {
    const std::byte* begin;
    const std::byte* end;
    const Coroutine* task;
    std::vector<std::size_t> below;  // Tasks that belong to this one.
    bool is_below = false;
    bool awaits_task = false;
};

constexpr std::size_t nobody = static_cast<std::size_t>(-1);

template <typename Belongs>
std::vector<Listed> listed(Belongs belongs) {
    std::vector<Listed> all;
    frame_pool.for_each_block([&](const std::byte* block, std::size_t octets) {
        const void* const* const words = reinterpret_cast<const void* const*>(block);
        if (words[2] != block) {
            return;
        }
        const auto frame =
            std::coroutine_handle<Coroutine>::from_address(const_cast<std::byte*>(block));
        const Coroutine& task = frame.promise();
        if (task.loop != nullptr && belongs(task)) {
            all.push_back({block, block + octets, &task, {}});
        }
    });
    std::sort(all.begin(), all.end(),
              [](const Listed& one, const Listed& other) { return one.begin < other.begin; });
    return all;
}

// The task whose frame an object lies in.
std::size_t holder_of(const std::vector<Listed>& all, const void* object) {
    const auto* const address = static_cast<const std::byte*>(object);
    const auto after = std::upper_bound(
        all.begin(), all.end(), address,
        [](const std::byte* wanted, const Listed& each) { return wanted < each.begin; });
    if (after == all.begin() || address >= std::prev(after)->end) {
        return nobody;
    }
    return static_cast<std::size_t>(std::prev(after) - all.begin());
}

void put_in_order(std::vector<Listed>& all) {
    for (std::size_t index = 0; index < all.size(); ++index) {
        const Coroutine& task = *all[index].task;
        const bool is_awaited = task.awaiter() != nullptr;
        const void* const parent =
            is_awaited ? static_cast<const void*>(task.awaiter()) : task.owner();
        const std::size_t above = holder_of(all, parent);
        if (above != nobody) {
            all[above].below.push_back(index);
            all[above].awaits_task |= is_awaited;
            all[index].is_below = true;
        }
    }
}

// Who keeps a task from what it awaits: a task of the same loop, or somebody unknown.
std::string holder_in_words(const std::vector<Listed>& all, const StopListener& wait) {
    const void* const at = wait.held_at();
    const std::size_t holder = at != nullptr ? holder_of(all, at) : nobody;
    return holder != nobody ? " held by " + coroutine_name(all[holder].task->frame) : "";
}

std::string line_of(const std::vector<Listed>& all, const Listed& each, std::size_t depth) {
    constexpr std::size_t name_columns = 44;
    const Coroutine& task = *each.task;
    std::string line(2 * depth, ' ');
    line += coroutine_name(task.frame);
    line.resize(std::max(line.size() + 2, name_columns), ' ');
    if (task.frame.done()) {
        return line + "has ended";
    }
    if (task.awaiter() == nullptr && task.owner() == nullptr) {
        return line + "is between two items";
    }
    if (task.wait() == nullptr && !each.awaits_task) {
        return line + "is ready";
    }
    const std::uint32_t ticks = task.loop->coarse_now() - task.since();
    const double seconds = static_cast<double>(std::int64_t{ticks} << Loop::coarse_bits) / 1e9;
    char since[48];
    std::snprintf(since, sizeof since, ", for %.3f s", seconds);
    const std::string what = each.awaits_task
                                 ? "the task below"
                                 : task.wait()->waits_for() + holder_in_words(all, *task.wait());
    return line + "awaits " + what + since;
}

// Not recursive: a chain of tasks may be longer than the stack is deep.
std::string tree_of(const std::vector<Listed>& all) {
    std::string text;
    std::vector<std::pair<std::size_t, std::size_t>> left;  // Index and depth.
    for (std::size_t root = 0; root < all.size(); ++root) {
        if (all[root].is_below) {
            continue;
        }
        left.emplace_back(root, 0);
        while (!left.empty()) {
            const auto [index, depth] = left.back();
            left.pop_back();
            text.append(line_of(all, all[index], depth)).append("\n");
            for (const std::size_t below : all[index].below) {
                left.emplace_back(below, depth + 1);
            }
        }
    }
    return text;
}

// Who has answered a call for dumps.
struct Roll {
    std::mutex calling;  // One call at a time.
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<const Loop*> missing;
};

Roll& roll() {
    static Roll& one = *new Roll();
    return one;
}

void answer(Loop& loop) {
    const std::string dump = task_dump(loop);
    Roll& all = roll();
    const std::lock_guard lock(all.mutex);
    std::fputs(dump.c_str(), stderr);
    std::erase(all.missing, &loop);
    all.changed.notify_all();
}

std::string title_of(const Loop& loop) {
    return "loop of thread " + std::to_string(loop.thread());
}

void tell_of_missing(const Loop& loop) {
    const std::vector<std::string> stack = stack_of_thread(loop.thread()).functions;
    std::string text = title_of(loop) + " does not answer";
    text += stack.empty() ? ": nobody runs it\n" : ", and is in:\n";
    for (const std::string& function : stack) {
        text.append("  ").append(function).append("\n");
    }
    std::fputs(text.c_str(), stderr);
}

}  // namespace

std::string task_dump(const Loop& loop) {
    std::vector<Listed> all = listed([&](const Coroutine& task) { return task.loop == &loop; });
    put_in_order(all);
    return title_of(loop) + ", " + std::to_string(all.size()) + " tasks:\n" + tree_of(all);
}

std::string tasks_of(const TaskOwner& owner) {
    return tree_of(listed([&](const Coroutine& task) { return task.owner() == &owner; }));
}

void dump_all_tasks(Duration patience) {
    Roll& all = roll();
    const std::lock_guard one_at_a_time(all.calling);
    {
        const std::lock_guard lock(all.mutex);
        all.missing.clear();
    }
    Loop::for_each([&](Loop& loop) {
        {
            const std::lock_guard lock(all.mutex);
            all.missing.push_back(&loop);
        }
        loop.inspect(answer);
    });
    std::vector<const Loop*> missing;
    {
        std::unique_lock lock(all.mutex);
        all.changed.wait_for(lock, patience, [&] { return all.missing.empty(); });
        missing = all.missing;
    }
    Loop::for_each([&](Loop& loop) {
        if (std::find(missing.begin(), missing.end(), &loop) != missing.end()) {
            tell_of_missing(loop);
        }
    });
}

DumpOnSignal::DumpOnSignal(int signal) : signal_(signal) {
    const SignalSet signals(signal);
    block_signals(signals);
    const SignalsHeld held;
    thread_ = std::jthread([signals](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            const bool came = sigwaitinfo(&signals.native(), nullptr) > 0;
            if (came && !stop.stop_requested()) {
                dump_all_tasks();
            }
        }
    });
}

DumpOnSignal::~DumpOnSignal() {
    thread_.request_stop();
    pthread_kill(thread_.native_handle(), signal_);
}

}  // namespace sluice
