// Mutex: one task at a time, in the order in which they asked.
//
// A lock is handed on to the first in line and never put up for grabs, so nobody starves. Who is in
// line is a task, and tasks always run: a lock is never given to one that nobody resumes. Hold it
// across awaits as you like; for a few instructions among threads a std::mutex is the better one.
//
// Ownership:    A Lock is the holding; it outlives neither the Mutex nor its task.
// Completion:   lock() yields the Lock.
// Cancellation: A stop takes the task out of the line, with `cancelled`. Was the lock handed to it
//               just before, it is yielded, to be passed on as soon as it is dropped.
// Threading:    Tasks of any loops. A Lock is released on the thread that it was taken on.

#pragma once

#include "sluice/runtime/await.h"
#include "sluice/runtime/ensure.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/task.h"
#include "sluice/runtime/wait_line.h"

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace sluice {

class Mutex {
public:
    class [[nodiscard]] Lock {
    public:
        Lock(Lock&& other) noexcept
            : mutex_(std::exchange(other.mutex_, nullptr)), loop_(other.loop_) {
            if (mutex_ != nullptr) {
                mutex_->is_held_at(this);
            }
        }
        Lock& operator=(Lock&&) = delete;
        ~Lock() {
            if (mutex_ != nullptr) {
                mutex_->unlock(loop_);
            }
        }

    private:
        friend class Mutex;
        Lock(Mutex& mutex, Loop& loop) noexcept : mutex_(&mutex), loop_(&loop) {
            mutex.is_held_at(this);
        }

        Mutex* mutex_;
        Loop* loop_;
    };

    Mutex() noexcept = default;
    Mutex(Mutex&&) = delete;
    ~Mutex() { ensure(!is_held_, "a Mutex was destroyed while it was held"); }

    [[nodiscard]] Task<Result<Lock>> lock() {
        const Context context = co_await this_task();
        Turn turn(*this);
        const bool is_ours = co_await turn;
        if (!is_ours) {
            co_return failure(Errc::cancelled, Phase::wait);
        }
        co_return Lock(*this, *context.loop);
    }

    // Takes the lock if it is free, from a task of `loop`.
    [[nodiscard]] std::optional<Lock> try_lock(Loop& loop) noexcept {
        const std::lock_guard guard(guard_);
        if (std::exchange(is_held_, true)) {
            return std::nullopt;
        }
        return Lock(*this, loop);
    }

private:
    class Turn final : public Waiter {
    public:
        explicit Turn(Mutex& mutex) noexcept : Waiter(mutex.guard_, mutex.line_), mutex_(mutex) {}

    private:
        bool served_at_once(Served&) override { return !std::exchange(mutex_.is_held_, true); }
        [[nodiscard]] std::string waits_for() const override {
            return Waiter::waits_for("lock", &mutex_);
        }
        [[nodiscard]] const void* held_at() const noexcept override {
            return mutex_.held_at_.load(std::memory_order_relaxed);
        }

        Mutex& mutex_;
    };

    void is_held_at(const Lock* lock) noexcept { held_at_.store(lock, std::memory_order_relaxed); }

    void unlock(Loop* here) noexcept {
        is_held_at(nullptr);
        Served served(here);
        const std::lock_guard guard(guard_);
        if (line_.empty()) {
            is_held_ = false;
        } else {
            line_.serve_front(served);
        }
    }

    std::mutex guard_;
    WaitLine line_;
    bool is_held_ = false;
    std::atomic<const void*> held_at_{nullptr};  // Where the Lock is, for a dump.
};

}  // namespace sluice
