// ForeignOperation<T>: what an engine outside this library does, and ends by a callback on a thread
// of its own: a DMA transfer, a USB transfer, a driver's request.
//
//     class Transfer final : public ForeignOperation<std::size_t> {
//         void begin() noexcept override { engine_.read(into_, [this](auto n) { complete(n); }); }
//         void ask_to_stop() noexcept override { engine_.cancel(*this); }
//     };
//     Transfer transfer(engine, into);
//     const Result<std::size_t> octets = co_await transfer;
//
// Ownership:    It lives in the frame that awaits it, and so may buffers lent to the engine: the
//               frame cannot go before the callback has come. Nothing is allocated or copied.
// Cancellation: A stop asks the engine, once, and the callback is awaited all the same: the answer
//               is what the engine says, which may be success. Under a source that has been asked
//               already nothing is begun, and the answer is `cancelled`.
// Threading:    complete() on any thread, once for each begin(), also from inside it. All else on
//               the loop's. It can be awaited again.

#pragma once

#include "sluice/runtime/ensure.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/stop.h"

#include <concepts>
#include <coroutine>
#include <optional>
#include <string>
#include <utility>

namespace sluice {

template <typename T>
class ForeignOperation : private Posted, private StopListener {
public:
    bool await_ready() const noexcept { return false; }

    template <std::derived_from<Coroutine> Promise>
    bool await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
        ensure(waiter_ == nullptr);
        Coroutine& waiter = awaiting.promise();
        if (waiter.stop != nullptr && !waiter.stop->listen(*this)) {
            return false;
        }
        waiter_ = &waiter;
        waiter.waits_for(*this);
        begin();
        return true;
    }

    [[nodiscard]] Result<T> await_resume() {
        if (!value_) {
            return failure(Errc::cancelled, Phase::wait);
        }
        Result<T> result = std::move(*value_);
        value_.reset();
        return result;
    }

    // The engine's callback.
    void complete(T value) {
        value_.emplace(std::move(value));
        waiter_->loop->post(*this);
    }

protected:
    ~ForeignOperation() { ensure(waiter_ == nullptr); }

private:
    // Has the engine begin. It may be done before this returns.
    virtual void begin() noexcept = 0;
    // Asks the engine to end early. It may have ended, its callback being on the way.
    virtual void ask_to_stop() noexcept = 0;

    void arrived() noexcept final {
        StopSource::unlink(*this);
        Coroutine& waiter = *std::exchange(waiter_, nullptr);
        waiter.loop->schedule(waiter);
    }
    void stop_requested() noexcept final { ask_to_stop(); }
    [[nodiscard]] std::string waits_for() const override { return "a foreign operation"; }

    Coroutine* waiter_ = nullptr;
    std::optional<T> value_;
};

}  // namespace sluice
