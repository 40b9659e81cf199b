// Conduit<T>: what the senders and the receivers of one channel meet in.
//
// Here is what all kinds share: who is still there, how the others went, who waits. A kind says
// where an item goes: queue_conduit.h to one receiver, fan_conduit.h to every one. Programs see
// channel.h alone.
//
// Ownership:    Counts the handles, and deletes itself with the last.
// Threading:    Any. One lock, under which items are moved, and by fan_conduit.h copied too.

#pragma once

#include "sluice/runtime/ensure.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/frame_pool.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/wait_line.h"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace sluice {

// How far a receiver is, where each gets everything.
struct Place {
    std::uint64_t next = 0;
    std::uint64_t missed = 0;
};

template <typename T>
class Conduit {
public:
    class Writing;
    class Reading;

    Conduit() noexcept = default;
    Conduit(Conduit&&) = delete;

    static void* operator new(std::size_t octets) { return frame_pool.allocate(octets); }
    static void operator delete(void* memory, std::size_t octets) noexcept {
        frame_pool.free(memory, octets);
    }

    void add_sender() noexcept {
        handles_.fetch_add(1, std::memory_order_relaxed);
        const std::lock_guard lock(mutex_);
        ++senders_;
    }

    // A sender finishes (Errc::none), aborts, or is destroyed (Errc::abandoned). Yields how the
    // receivers have gone, or Errc::none. The handle is still to be release()d.
    Errc sender_left(Errc how, Loop* here) noexcept {
        Served served(here);
        const std::lock_guard lock(mutex_);
        senders_gone_ = std::max(senders_gone_, how, is_milder);
        if (--senders_ == 0) {
            tell_readers_of_the_end(served);
        }
        return is_sealed_ ? Errc::none : receivers_gone_;
    }

    void add_receiver(const Place& place) noexcept {
        handles_.fetch_add(1, std::memory_order_relaxed);
        const std::lock_guard lock(mutex_);
        ++receivers_;
        joined(place);
    }

    // As sender_left(). With the last receiver, what nobody read is destroyed.
    void receiver_left(const Place& place, Errc how, Loop* here) noexcept {
        {
            Served served(here);
            const std::lock_guard lock(mutex_);
            if (--receivers_ > 0) {
                left(place, served);
                return;
            }
            receivers_gone_ = how;
            while (!writers_.empty()) {
                static_cast<Writing*>(writers_.front())->refuse(how);
                writers_.serve_front(served);
            }
        }
        // Items may do as they please when they go: the lock is open, and nobody comes here now.
        drop_all();
    }

    void release() noexcept {
        if (handles_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            delete this;
        }
    }

    // Takes the item, or says why not: Errc::resources_exhausted where a sender would have to wait.
    [[nodiscard]] Errc try_write(T& item) {
        Served served(nullptr);
        const std::lock_guard lock(mutex_);
        const Errc refused = refusal();
        if (refused != Errc::none) {
            return refused;
        }
        return put(item, served) ? Errc::none : Errc::resources_exhausted;
    }

    // Uses a slot that was kept.
    [[nodiscard]] Errc write_reserved(T& item, Loop* here) {
        Served served(here);
        const std::lock_guard lock(mutex_);
        unreserve();
        const Errc refused = refusal();
        if (refused == Errc::none) {
            ensure(put(item, served));
            admit(served);  // Was it handed to a waiting reader, then the slot is free.
        }
        return refused;
    }

    void give_back_reserved(Loop* here) noexcept {
        Served served(here);
        const std::lock_guard lock(mutex_);
        unreserve();
        admit(served);
    }

    [[nodiscard]] bool is_idle(const Place& place) const noexcept {
        const std::lock_guard lock(mutex_);
        return !is_over() && !has_for(place);
    }

    [[nodiscard]] std::uint64_t missed(const Place& place) const noexcept {
        const std::lock_guard lock(mutex_);
        return missed_by(place);
    }

protected:
    virtual ~Conduit() = default;

    // All of these under the lock, but for drop_all(). put() moves from the item if it takes it;
    // take() fills `into` if there is something.
    virtual bool put(T& item, Served& served) = 0;
    virtual bool take(Place& place, std::optional<T>& into, Served& served) = 0;
    virtual void admit(Served& served) = 0;  // Lets writers go on for as long as there is room.
    virtual bool reserve() noexcept = 0;
    virtual void unreserve() noexcept = 0;
    virtual void joined(const Place& place) noexcept = 0;
    virtual void left(const Place& place, Served& served) noexcept = 0;
    [[nodiscard]] virtual bool has_for(const Place& place) const noexcept = 0;
    [[nodiscard]] virtual std::uint64_t missed_by(const Place& place) const noexcept = 0;
    virtual void drop_all() noexcept = 0;

    [[nodiscard]] WaitLine& writers() noexcept { return writers_; }
    [[nodiscard]] const WaitLine& writers() const noexcept { return writers_; }
    [[nodiscard]] WaitLine& readers() noexcept { return readers_; }
    [[nodiscard]] std::size_t receivers() const noexcept { return receivers_; }

    // Nothing can be written any more.
    void seal(Served& served) noexcept {
        is_sealed_ = true;
        tell_readers_of_the_end(served);
    }

private:
    // Of two senders that went, the one that the receivers are told of.
    static bool is_milder(Errc left, Errc right) noexcept {
        return left != Errc::aborted && (left == Errc::none || right == Errc::aborted);
    }

    [[nodiscard]] bool is_over() const noexcept { return senders_ == 0 || is_sealed_; }

    // Why nothing can be written; Errc::none: it can.
    [[nodiscard]] Errc refusal() const noexcept {
        return is_sealed_ ? Errc::closed : receivers_gone_;
    }

    // Who waits to read has read everything.
    void tell_readers_of_the_end(Served& served) noexcept {
        while (!readers_.empty()) {
            static_cast<Reading*>(readers_.front())->end(end_of_all());
            readers_.serve_front(served);
        }
    }

    // How it ended, Errc::none being well.
    [[nodiscard]] Errc end_of_all() const noexcept {
        return is_sealed_ ? Errc::none : senders_gone_;
    }

    mutable std::mutex mutex_;
    WaitLine writers_;
    WaitLine readers_;
    std::atomic<std::size_t> handles_{2};
    std::size_t senders_ = 1;
    std::size_t receivers_ = 1;
    Errc senders_gone_ = Errc::none;
    Errc receivers_gone_ = Errc::none;
    bool is_sealed_ = false;
};

// A task that wants to write, or to have a slot kept for it.
template <typename T>
class Conduit<T>::Writing final : public Waiter {
public:
    // Null: a slot.
    Writing(Conduit& conduit, T* item) noexcept
        : Waiter(conduit.mutex_, conduit.writers_), conduit_(conduit), item_(item) {}

    [[nodiscard]] T* item() noexcept { return item_; }

    // Of one that was served: why the item was not taken, or Errc::none.
    [[nodiscard]] Errc refused() const noexcept { return refused_; }
    void refuse(Errc why) noexcept { refused_ = why; }

private:
    bool served_at_once(Served& others) override {
        refused_ = conduit_.refusal();
        if (refused_ != Errc::none) {
            return true;
        }
        return item_ == nullptr ? conduit_.reserve() : conduit_.put(*item_, others);
    }
    [[nodiscard]] std::string waits_for() const override {
        return Waiter::waits_for("room in channel", &conduit_);
    }

    Conduit& conduit_;
    T* item_;
    Errc refused_ = Errc::none;
};

// A task that wants to read.
template <typename T>
class Conduit<T>::Reading final : public Waiter {
public:
    Reading(Conduit& conduit, Place& place) noexcept
        : Waiter(conduit.mutex_, conduit.readers_), conduit_(conduit), place_(place) {}

    [[nodiscard]] Place& place() noexcept { return place_; }

    // Of one that was served: what it got; if nothing, how it all ended.
    [[nodiscard]] std::optional<T>& item() noexcept { return item_; }
    [[nodiscard]] Errc ended() const noexcept { return ended_; }
    void end(Errc how) noexcept { ended_ = how; }

private:
    bool served_at_once(Served& others) override {
        if (conduit_.take(place_, item_, others)) {
            return true;
        }
        ended_ = conduit_.end_of_all();
        return conduit_.is_over();
    }
    [[nodiscard]] std::string waits_for() const override {
        return Waiter::waits_for("an item of channel", &conduit_);
    }

    Conduit& conduit_;
    Place& place_;
    std::optional<T> item_;
    Errc ended_ = Errc::none;
};

}  // namespace sluice
