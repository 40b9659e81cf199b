// await: what a task can wait for that is not another task.
//
// Each of these lives in the frame that awaits it, so a wait allocates nothing. Each ends early
// when its task is asked to stop, and under a source that has been asked already it does not begin.
//
// Ownership:    Name a Perform and keep what its request points to until it was awaited.
// Cancellation: A Perform that was asked to stop still yields what the kernel says: octets, or
//               -ECANCELED. The others yield Errc::cancelled.
// Threading:    The loop's thread.

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/operation.h"
#include "sluice/runtime/stop.h"
#include "sluice/runtime/task.h"
#include "sluice/runtime/timers.h"

#include <cerrno>
#include <concepts>
#include <coroutine>
#include <cstdint>
#include <string>
#include <utility>

namespace sluice {

// One one-shot operation: `Perform reading(Read{fd, into, 0}); const auto n = co_await reading;`
// Yields octets or another result not below zero, or a negated errno.
class Perform final : public Operation, private StopListener {
public:
    explicit Perform(const Request& wanted) noexcept : Operation(wanted) {}

    bool await_ready() const noexcept { return false; }

    template <std::derived_from<Coroutine> Promise>
    bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
        waiter_ = &awaiting.promise();
        if (waiter_->stop != nullptr && !waiter_->stop->listen(*this)) {
            result_ = -ECANCELED;
            return false;
        }
        waiter_->waits_for(*this);
        waiter_->loop->submit(*this);
        return true;
    }

    std::int32_t await_resume() const noexcept { return result_; }

private:
    void complete(Completion completion) noexcept override {
        StopSource::unlink(*this);
        result_ = completion.result;
        waiter_->loop->schedule(*waiter_);
    }

    void stop_requested() noexcept override { waiter_->loop->cancel(*this); }
    [[nodiscard]] std::string waits_for() const override;

    Coroutine* waiter_ = nullptr;
    std::int32_t result_ = 0;
};

// What an event is about, for a dump.
enum class EventKind : std::uint8_t { any, input, accepted, task_end, tasks_end, call_end };

// Event: something that has happened, or has not yet. One task at a time may wait for it.
class Event {
public:
    class Wait;
    class Relay;

    Event() noexcept = default;
    explicit Event(EventKind kind, int descriptor = -1) noexcept
        : kind_(kind), descriptor_(descriptor) {}
    Event(Event&&) = delete;
    ~Event() { ensure(waiting_ == nullptr); }

    // Lets the waiter go, or the next one that comes. Idempotent.
    void set() noexcept;
    void reset() noexcept { set_ = false; }
    [[nodiscard]] bool is_set() const noexcept { return set_; }
    [[nodiscard]] bool is_awaited() const noexcept { return waiting_ != nullptr; }

    // Awaitable; yields whether the event happened. False: the task was asked to stop.
    [[nodiscard]] Wait wait() noexcept;

    // Awaitable, as wait(), but no stop cuts it short: for what must have happened before the
    // awaiting frame may go on.
    [[nodiscard]] Wait wait_regardless() noexcept;

    // Says what it is about, for a dump.
    void is_about(EventKind kind, int descriptor) noexcept {
        kind_ = kind;
        descriptor_ = descriptor;
    }

    // "input of descriptor 7"
    [[nodiscard]] std::string description() const;

private:
    Wait* waiting_ = nullptr;
    bool set_ = false;
    EventKind kind_ = EventKind::any;
    std::int32_t descriptor_ = -1;
};

class Event::Wait final : private StopListener {
public:
    Wait(Event& event, bool may_stop) noexcept : event_(event), may_stop_(may_stop) {}

    bool await_ready() const noexcept { return event_.set_; }

    template <std::derived_from<Coroutine> Promise>
    bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
        waiter_ = &awaiting.promise();
        if (may_stop_ && waiter_->stop != nullptr && !waiter_->stop->listen(*this)) {
            return false;
        }
        ensure(event_.waiting_ == nullptr);
        event_.waiting_ = this;
        waiter_->waits_for(*this);
        return true;
    }

    bool await_resume() const noexcept { return event_.set_ || happened_; }

private:
    friend class Event;

    void end(bool happened) noexcept {
        if (waiter_ == nullptr) [[unlikely]] {
            event_.set();  // A relay's: it stays.
            return;
        }
        happened_ = happened;
        event_.waiting_ = nullptr;
        waiter_->loop->schedule(*waiter_);
    }

    void stop_requested() noexcept override { end(false); }
    [[nodiscard]] std::string waits_for() const override { return event_.description(); }

    Event& event_;
    Coroutine* waiter_ = nullptr;
    bool may_stop_;
    bool happened_ = false;
};

// Sets `to` whenever `from` is set, for as long as it lives: nobody else can wait for `from` then.
// What decorates a Transport passes its input_changed() on so.
class Event::Relay final {
public:
    Relay(Event& from, Event& to) noexcept : from_(from), wait_(to, false) {
        ensure(from_.waiting_ == nullptr);
        from_.waiting_ = &wait_;
    }
    Relay(Relay&&) = delete;
    ~Relay() { from_.waiting_ = nullptr; }

private:
    Event& from_;
    Wait wait_;
};

inline void Event::set() noexcept {
    set_ = true;
    if (waiting_ != nullptr) {
        StopSource::unlink(*waiting_);
        waiting_->end(true);
    }
}

inline Event::Wait Event::wait() noexcept {
    return Wait(*this, true);
}

inline Event::Wait Event::wait_regardless() noexcept {
    return Wait(*this, false);
}

// Awaitable: the loop and the stop source of the task that awaits it. Never suspends.
struct Context {
    Loop* loop;
    StopSource* stop;
};

class ThisTask {
public:
    bool await_ready() const noexcept { return false; }

    template <std::derived_from<Coroutine> Promise>
    bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
        context_ = {awaiting.promise().loop, awaiting.promise().stop};
        return false;
    }

    Context await_resume() const noexcept { return context_; }

private:
    Context context_{};
};

[[nodiscard]] inline ThisTask this_task() noexcept {
    return {};
}

// Awaitable: lets everything else that is ready run first.
class Yield {
public:
    bool await_ready() const noexcept { return false; }

    template <std::derived_from<Coroutine> Promise>
    void await_suspend(std::coroutine_handle<Promise> awaiting) const noexcept {
        awaiting.promise().loop->schedule(awaiting.promise());
    }

    void await_resume() const noexcept {}
};

[[nodiscard]] inline Yield yield() noexcept {
    return {};
}

// Awaitable: waits until `due`. Yields whether it passed; false: asked to stop.
class Sleep final : private Timer, private StopListener {
public:
    explicit Sleep(Instant due) noexcept : due_(due) {}

    bool await_ready() const noexcept { return false; }

    template <std::derived_from<Coroutine> Promise>
    bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
        waiter_ = &awaiting.promise();
        if (waiter_->stop != nullptr && !waiter_->stop->listen(*this)) {
            return false;
        }
        waiter_->loop->arm(*this, due_);
        waiter_->waits_for(*this);
        return true;
    }

    bool await_resume() const noexcept { return passed_; }

private:
    void fired() noexcept override {
        passed_ = true;
        StopSource::unlink(*this);
        waiter_->loop->schedule(*waiter_);
    }

    void stop_requested() noexcept override {
        disarm();
        waiter_->loop->schedule(*waiter_);
    }
    [[nodiscard]] std::string waits_for() const override;

    Instant due_;
    Coroutine* waiter_ = nullptr;
    bool passed_ = false;
};

[[nodiscard]] inline Sleep sleep_until(Instant due) noexcept {
    return Sleep(due);
}

// Waits for `duration` from now. Yields whether it passed; false: asked to stop.
[[nodiscard]] inline Task<bool> sleep_for(Duration duration) {
    const Context context = co_await this_task();
    const bool passed = co_await sleep_until(after(context.loop->now(), duration));
    co_return passed;
}

}  // namespace sluice
