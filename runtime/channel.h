// Sender<T>, Receiver<T>: the two ends of a channel, a Sink and a Source of items.
//
//     auto [sender, receiver] = bounded_channel<Job>(16);
//     const Sent<Job> sent = co_await sender.write(std::move(job));           // in one task
//     Result<std::optional<Job>> job = co_await receiver.read();              // in another
//
// One pair of types for all kinds of channels, within one loop and across threads: what takes a
// Sender<T> leaves the kind to its caller. The functions below make the kinds.
//
// Ownership:    A handle may be moved to another thread while none of its calls runs; clone() makes
//               another. It outlives its calls: destroying it under one stops the process. An item
//               is moved in and comes back if it was not taken. Items that wait when the last
//               receiver goes are destroyed. A channel allocates nothing once it has warmed up.
// Completion:   write() ends when the item is in the channel: queued, or handed to a receiver.
//               read() yields items in the order of their writes, then the end, again and again.
//               Whoever waits is served in order, and nobody overtakes.
// Cancellation: A stop ends a wait with `cancelled`, and the item comes back. Was it handed over
//               just before, the write has ended well, and the read yields it.
// Errors:       After the last item, when the last sender has gone, the receiver is told how they
//               went: the end, if all finished; `aborted`, if one did; else `abandoned`: one was
//               destroyed unfinished. A sender is told `aborted` if the receivers closed, and
//               `abandoned` if the last was destroyed. `closed`: this handle, or a one-shot
//               channel, has been used up. try_write(): `resources_exhausted`, when it would wait.
// Threading:    A handle belongs to one thread at a time, its channel to all. Tasks of one thread
//               may share a Sender; of a Receiver, one read at a time. Items are moved (broadcast
//               and latest ones: copied and destroyed too) under the channel's lock: what they do
//               then must not touch the channel.

#pragma once

#include "sluice/runtime/await.h"
#include "sluice/runtime/conduit.h"
#include "sluice/runtime/ensure.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/fan_conduit.h"
#include "sluice/runtime/queue_conduit.h"
#include "sluice/runtime/sink.h"
#include "sluice/runtime/task.h"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

namespace sluice {

// Counts the calls that run on a handle.
class CallCount {
public:
    class Call {
    public:
        explicit Call(CallCount& count) noexcept : count_(count) { ++count_.running_; }
        Call(Call&&) = delete;
        ~Call() { --count_.running_; }

    private:
        CallCount& count_;
    };

    [[nodiscard]] bool is_zero() const noexcept { return running_ == 0; }

private:
    std::size_t running_ = 0;
};

template <typename T>
class [[nodiscard]] Sender {
public:
    // Takes over one sender of `conduit`.
    explicit Sender(Conduit<T>& conduit) noexcept : conduit_(&conduit) {}
    Sender(Sender&& other) noexcept : conduit_(std::exchange(other.conduit_, nullptr)) {
        ensure(other.calls_.is_zero(), "Sender: moved while a write is in flight");
    }
    Sender& operator=(Sender&&) = delete;
    ~Sender() {
        ensure(calls_.is_zero(), "Sender: destroyed while a write is in flight");
        leave(Errc::abandoned, nullptr);
    }

    // Another one of the same channel, which ends when all of them have.
    [[nodiscard]] Sender clone() const noexcept {
        ensure(conduit_ != nullptr, "Sender: cloned after its end");
        conduit_->add_sender();
        return Sender(*conduit_);
    }

    [[nodiscard]] Task<Sent<T>> write(T item) {
        if (conduit_ == nullptr) {
            co_return unsent({Errc::closed, Phase::write}, std::move(item));
        }
        const CallCount::Call call(calls_);
        typename Conduit<T>::Writing writing(*conduit_, &item);
        const bool is_served = co_await writing;
        const Errc refused = is_served ? writing.refused() : Errc::cancelled;
        if (refused != Errc::none) {
            co_return unsent({refused, Phase::write}, std::move(item));
        }
        co_return Sent<T>();
    }

    // Without waiting, and not only from tasks.
    [[nodiscard]] Sent<T> try_write(T item) {
        const Errc refused = conduit_ == nullptr ? Errc::closed : conduit_->try_write(item);
        if (refused != Errc::none) {
            return unsent({refused, Phase::write}, std::move(item));
        }
        return {};
    }

    // This sender has written all it will. Fails if nobody is there any more to read it.
    [[nodiscard]] Task<Result<void>> finish() {
        if (conduit_ == nullptr) {
            co_return failure(Errc::closed, Phase::write);
        }
        ensure(calls_.is_zero(), "Sender: finished while a write is in flight");
        const Context context = co_await this_task();
        const Errc receivers = leave(Errc::none, context.loop);
        if (receivers != Errc::none) {
            co_return failure(receivers, Phase::write);
        }
        co_return Result<void>();
    }

    void abort() noexcept {
        ensure(calls_.is_zero(), "Sender: aborted while a write is in flight");
        leave(Errc::aborted, nullptr);
    }

protected:
    [[nodiscard]] Conduit<T>* conduit() const noexcept { return conduit_; }
    [[nodiscard]] CallCount& calls() noexcept { return calls_; }

private:
    Errc leave(Errc how, Loop* here) noexcept {
        Conduit<T>* const conduit = std::exchange(conduit_, nullptr);
        if (conduit == nullptr) {
            return Errc::none;
        }
        const Errc receivers = conduit->sender_left(how, here);
        conduit->release();
        return receivers;
    }

    Conduit<T>* conduit_;
    CallCount calls_;
};

// A slot of a bounded channel that is kept for its holder, and given back when it is dropped.
//
// Ownership:    Outlives neither its sender nor the task that reserved it.
template <typename T>
class [[nodiscard]] Permit {
public:
    Permit(Conduit<T>& conduit, CallCount& calls, Loop& loop) noexcept
        : conduit_(&conduit), loop_(&loop), call_(std::in_place, calls), calls_(&calls) {}
    Permit(Permit&& other) noexcept
        : conduit_(std::exchange(other.conduit_, nullptr)),
          loop_(other.loop_),
          call_(std::in_place, *other.calls_),
          calls_(other.calls_) {}
    Permit& operator=(Permit&&) = delete;
    ~Permit() {
        if (conduit_ != nullptr) {
            conduit_->give_back_reserved(loop_);
        }
    }

    // Uses it up. Does not wait; fails only if no receiver is there any more.
    [[nodiscard]] Sent<T> write(T item) {
        ensure(conduit_ != nullptr, "Permit: used twice");
        const Errc refused = std::exchange(conduit_, nullptr)->write_reserved(item, loop_);
        if (refused != Errc::none) {
            return unsent({refused, Phase::write}, std::move(item));
        }
        return {};
    }

private:
    Conduit<T>* conduit_;
    Loop* loop_;
    std::optional<CallCount::Call> call_;  // So that the sender is not gone before.
    CallCount* calls_;
};

// Of a bounded channel: waits for room before there is an item.
template <typename T>
class [[nodiscard]] BoundedSender final : public Sender<T> {
public:
    using Sender<T>::Sender;

    [[nodiscard]] BoundedSender clone() const noexcept {
        ensure(this->conduit() != nullptr, "Sender: cloned after its end");
        this->conduit()->add_sender();
        return BoundedSender(*this->conduit());
    }

    [[nodiscard]] Task<Result<Permit<T>>> reserve() {
        if (this->conduit() == nullptr) {
            co_return failure(Errc::closed, Phase::write);
        }
        const CallCount::Call call(this->calls());
        const Context context = co_await this_task();
        typename Conduit<T>::Writing reserving(*this->conduit(), nullptr);
        const bool is_served = co_await reserving;
        const Errc refused = is_served ? reserving.refused() : Errc::cancelled;
        if (refused != Errc::none) {
            co_return failure(refused, Phase::write);
        }
        co_return Permit<T>(*this->conduit(), this->calls(), *context.loop);
    }
};

template <typename T>
class [[nodiscard]] Receiver {
public:
    // Takes over one receiver of `conduit`.
    explicit Receiver(Conduit<T>& conduit) noexcept : conduit_(&conduit) {}
    Receiver(Receiver&& other) noexcept
        : conduit_(std::exchange(other.conduit_, nullptr)), place_(other.place_) {
        ensure(other.calls_.is_zero(), "Receiver: moved while a read is in flight");
    }
    Receiver& operator=(Receiver&&) = delete;
    ~Receiver() {
        ensure(calls_.is_zero(), "Receiver: destroyed while a read is in flight");
        leave(Errc::abandoned, nullptr);
    }

    // Another one of the same channel: they share its items, or, where everybody gets everything,
    // it gets what this one has not read yet.
    [[nodiscard]] Receiver clone() const noexcept {
        ensure(conduit_ != nullptr, "Receiver: cloned after its end");
        conduit_->add_receiver(place_);
        return Receiver(*conduit_, place_);
    }

    [[nodiscard]] Task<Result<std::optional<T>>> read() {
        if (conduit_ == nullptr) {
            co_return failure(Errc::closed, Phase::read);
        }
        ensure(calls_.is_zero(), "Receiver: one read at a time");
        const CallCount::Call call(calls_);
        typename Conduit<T>::Reading reading(*conduit_, place_);
        const bool is_served = co_await reading;
        if (!is_served) {
            co_return failure(Errc::cancelled, Phase::read);
        }
        if (reading.ended() != Errc::none) {
            co_return failure(reading.ended(), Phase::read);
        }
        co_return std::move(reading.item());
    }

    // No more is wanted: with the last receiver, writes fail with `aborted`.
    [[nodiscard]] Task<> close() {
        ensure(calls_.is_zero(), "Receiver: closed while a read is in flight");
        const Context context = co_await this_task();
        leave(Errc::aborted, context.loop);
    }

    // Whether a read would have to wait now.
    [[nodiscard]] bool is_idle() const noexcept {
        return conduit_ != nullptr && conduit_->is_idle(place_);
    }

    // How many items were overwritten before they were read: of a latest channel by this receiver,
    // of an overwriting one by anybody. 0 for the kinds that lose nothing.
    [[nodiscard]] std::uint64_t overwritten() const noexcept {
        return conduit_ == nullptr ? 0 : conduit_->missed(place_);
    }

private:
    Receiver(Conduit<T>& conduit, const Place& place) noexcept
        : conduit_(&conduit), place_{place.next, 0} {}

    void leave(Errc how, Loop* here) noexcept {
        if (Conduit<T>* const conduit = std::exchange(conduit_, nullptr)) {
            conduit->receiver_left(place_, how, here);
            conduit->release();
        }
    }

    Conduit<T>* conduit_;
    Place place_;
    CallCount calls_;
};

template <typename T, typename S = Sender<T>>
struct [[nodiscard]] Channel {
    explicit Channel(Conduit<T>* conduit) noexcept : sender(*conduit), receiver(*conduit) {}
    Channel(S from, Receiver<T> to) noexcept : sender(std::move(from)), receiver(std::move(to)) {}

    S sender;
    Receiver<T> receiver;
};

// One item, which is also the end.
template <typename T>
[[nodiscard]] Channel<T> oneshot_channel() {
    return Channel<T>(new QueueConduit<T>(1, QueueKind::once));
}

// Writers wait while `items_max` are in it.
template <typename T>
[[nodiscard]] Channel<T, BoundedSender<T>> bounded_channel(std::size_t items_max) {
    ensure(items_max > 0);
    return Channel<T, BoundedSender<T>>(new QueueConduit<T>(items_max, QueueKind::waits));
}

// Writers never wait, and memory is the limit: for what is bounded by something else.
template <typename T>
[[nodiscard]] Channel<T> unbounded_channel() {
    constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();
    return Channel<T>(new QueueConduit<T>(no_limit, QueueKind::waits));
}

// Nothing is kept: a write ends when a receiver has the item.
template <typename T>
[[nodiscard]] Channel<T> rendezvous_channel() {
    return Channel<T>(new QueueConduit<T>(0, QueueKind::waits));
}

// Writers never wait: one more than `items_max` overwrites the oldest.
template <typename T>
[[nodiscard]] Channel<T> overwriting_channel(std::size_t items_max) {
    ensure(items_max > 0);
    return Channel<T>(new QueueConduit<T>(items_max, QueueKind::overwrites));
}

// Every receiver gets everything: writers wait for the one that is `items_max` behind.
template <std::copyable T>
[[nodiscard]] Channel<T> broadcast_channel(std::size_t items_max) {
    ensure(items_max > 0);
    return Channel<T>(new FanConduit<T>(items_max, false));
}

// Every receiver gets the newest value that it has not seen. Writers never wait.
template <std::copyable T>
[[nodiscard]] Channel<T> latest_channel() {
    return Channel<T>(new FanConduit<T>(1, true));
}

}  // namespace sluice
