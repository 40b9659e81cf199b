#include "sluice/runtime/loop.h"

#include "sluice/runtime/ensure.h"

#include <thread>

namespace sluice {

Loop::~Loop() {
    while (posting_.load(std::memory_order_acquire) != 0) {
        std::this_thread::yield();
    }
    ensure(ready_first_ == nullptr);
    ensure(posted_.load(std::memory_order_relaxed) == nullptr);
}

void Loop::run_until(const bool& done) {
    while (!done) {
        turn();
    }
}

void Loop::turn() {
    const bool idle = ready_first_ == nullptr;
    backend_.wait(idle ? timers_.next() : Instant::min());
    now_ = backend_.now();
    timers_.advance(now_);
    if (posted_.load(std::memory_order_relaxed) != nullptr) {
        take_posted();
    }
    run_ready();
}

void Loop::run_ready() {
    for (int resumes = 0; resumes < resumes_per_turn && ready_first_ != nullptr; ++resumes) {
        Coroutine& coroutine = *ready_first_;
        ready_first_ = coroutine.next_ready_;
        budget_ = budget_per_resume;
        coroutine.frame.resume();
    }
}

// Once it is in the stack, `message` may run and be gone at any moment, and with it the reason for
// this loop to live on: so nothing of it is read after that, and ~Loop() waits for us.
void Loop::post(Posted& message) noexcept {
    posting_.fetch_add(1, std::memory_order_relaxed);
    Posted* before = posted_.load(std::memory_order_relaxed);
    do {
        message.next_ = before;
    } while (!posted_.compare_exchange_weak(before, &message, std::memory_order_release,
                                            std::memory_order_relaxed));
    // Only the first of a batch has to wake: the loop takes all that are there.
    if (before == nullptr) {
        backend_.wake();
    }
    posting_.fetch_sub(1, std::memory_order_release);
}

// Messages are stacked by their senders: turn the stack round to run them in order.
void Loop::take_posted() noexcept {
    Posted* newest = posted_.exchange(nullptr, std::memory_order_acquire);
    Posted* oldest = nullptr;
    while (newest != nullptr) {
        Posted* const next = newest->next_;
        newest->next_ = oldest;
        oldest = newest;
        newest = next;
    }
    while (oldest != nullptr) {
        Posted& message = *oldest;
        oldest = message.next_;
        message.arrived();
    }
}

}  // namespace sluice
