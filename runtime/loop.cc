#include "sluice/runtime/loop.h"

#include "sluice/runtime/ensure.h"
#include "sluice/runtime/no_suspend.h"
#include "sluice/runtime/runs_loop.h"

#include <unistd.h>

#include <mutex>
#include <thread>
#include <utility>

namespace sluice {

namespace {

struct Loops {
    std::mutex mutex;
    Loop* first = nullptr;
    std::uint64_t begun = 0;
};

Loops& loops() noexcept {
    static Loops all;
    return all;
}

int this_thread() noexcept {
    static thread_local const int id = ::gettid();
    return id;
}

std::uint32_t coarse(Instant now) noexcept {
    return static_cast<std::uint32_t>(now.count() >> Loop::coarse_bits);
}

}  // namespace

Loop::Registry::Registry() noexcept {
    loops().mutex.lock();
}

Loop::Registry::~Registry() {
    loops().mutex.unlock();
}

Loop*& Loop::Registry::first() const noexcept {
    return loops().first;
}

Loop::Loop(Backend& backend) noexcept
    : backend_(backend), now_(backend.now()), coarse_now_(coarse(now_)) {
    const Registry registry;
    // So that nobody takes it for one that was at the same address.
    beat_.store(++loops().begun << 40, std::memory_order_relaxed);
    next_ = std::exchange(registry.first(), this);
    if (next_ != nullptr) {
        next_->previous_ = this;
    }
}

Loop::~Loop() {
    while (needed_ > 0) {
        turn(timers_.next());
    }
    {
        const Registry registry;
        *(previous_ == nullptr ? &registry.first() : &previous_->next_) = next_;
        if (next_ != nullptr) {
            next_->previous_ = previous_;
        }
    }
    while (posting_.load(std::memory_order_acquire) != 0) {
        std::this_thread::yield();
    }
    ensure(ready_first_ == nullptr);
    for (Posted* message = all_posted(); message != nullptr; message = message->next_) {
        ensure(message == &inspection_);  // It came too late, and is of nobody's concern.
    }
}

void Loop::run_until(const bool& done) {
    thread_.store(this_thread(), std::memory_order_relaxed);
    while (!done) {
        turn(timers_.next());
    }
    thread_.store(0, std::memory_order_relaxed);
}

Instant Loop::poll() {
    const RunsLoop runs_loop;
    thread_.store(this_thread(), std::memory_order_relaxed);
    for (int turns = 0; turns < turns_per_poll; ++turns) {
        turn(Instant::min());
        if (ready_first_ == nullptr && !backend_.has_work()) {
            return timers_.next();
        }
    }
    return Instant::min();
}

void Loop::turn(Instant until) {
    const bool idle = ready_first_ == nullptr;
    backend_.wait(idle ? until : Instant::min());
    now_ = backend_.now();
    coarse_now_ = coarse(now_);
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
        beat_once();
        coroutine.frame.resume();
        beat_once();
        NoSuspend::check();
    }
}

void Loop::inspect(Inspection::Look look) noexcept {
    if (inspection_.look_.exchange(look, std::memory_order_relaxed) == nullptr) {
        post(inspection_);
    }
}

void Inspection::arrived() noexcept {
    if (const Look look = look_.exchange(nullptr, std::memory_order_relaxed)) {
        look(loop_);
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
Posted* Loop::all_posted() noexcept {
    Posted* newest = posted_.exchange(nullptr, std::memory_order_acquire);
    Posted* oldest = nullptr;
    while (newest != nullptr) {
        Posted* const next = newest->next_;
        newest->next_ = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

void Loop::take_posted() noexcept {
    Posted* oldest = all_posted();
    while (oldest != nullptr) {
        Posted& message = *oldest;
        oldest = message.next_;
        message.arrived();
    }
}

}  // namespace sluice
