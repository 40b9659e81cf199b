// FanConduit<T>: each item goes to every receiver.
//
// A broadcast and the latest value are this: the first keeps an item until everybody has read it,
// the other overwrites it with the next.

#pragma once

#include "sluice/runtime/conduit.h"
#include "sluice/runtime/ring.h"
#include "sluice/runtime/wait_line.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

namespace sluice {

template <typename T>
class FanConduit final : public Conduit<T> {
public:
    FanConduit(std::size_t items_max, bool overwrites) noexcept
        : items_max_(items_max), overwrites_(overwrites) {}

private:
    using Writing = typename Conduit<T>::Writing;
    using Reading = typename Conduit<T>::Reading;

    struct Slot {
        T item;
        std::size_t unread;  // By how many receivers.
    };

    [[nodiscard]] std::uint64_t end() const noexcept { return first_ + slots_.size(); }

    bool put(T& item, Served& served) override {
        if (slots_.size() == items_max_) {
            if (!overwrites_) {
                return false;
            }
            drop_oldest();
        }
        slots_.push(Slot{std::move(item), this->receivers()});
        // Who waits has read everything else.
        while (!this->readers().empty()) {
            Reading& reading = *static_cast<Reading*>(this->readers().front());
            read(reading.place(), reading.item());
            this->readers().serve_front(served);
        }
        return true;
    }

    bool take(Place& place, std::optional<T>& into, Served& served) override {
        if (!has_for(place)) {
            return false;
        }
        read(place, into);
        admit(served);
        return true;
    }

    void read(Place& place, std::optional<T>& into) {
        place.missed = missed_by(place);
        place.next = std::max(place.next, first_);
        Slot& slot = slots_[static_cast<std::size_t>(place.next - first_)];
        ++place.next;
        if (--slot.unread > 0) {
            into.emplace(slot.item);
        } else {  // The last one to read it is the last one to have read the oldest.
            into.emplace(std::move(slot.item));
            drop_oldest();
        }
    }

    void admit(Served& served) override {
        while (!this->writers().empty() && slots_.size() < items_max_) {
            T& item = *static_cast<Writing*>(this->writers().front())->item();
            put(item, served);
            this->writers().serve_front(served);
        }
    }

    void joined(const Place& place) noexcept override {
        for (std::uint64_t number = std::max(place.next, first_); number < end(); ++number) {
            ++slots_[static_cast<std::size_t>(number - first_)].unread;
        }
    }

    void left(const Place& place, Served& served) noexcept override {
        for (std::uint64_t number = std::max(place.next, first_); number < end(); ++number) {
            --slots_[static_cast<std::size_t>(number - first_)].unread;
        }
        while (!slots_.empty() && slots_.front().unread == 0) {
            drop_oldest();
        }
        admit(served);
    }

    // A slot of its own that nobody can use before others have read is not worth keeping.
    bool reserve() noexcept override { return false; }
    void unreserve() noexcept override {}

    [[nodiscard]] bool has_for(const Place& place) const noexcept override {
        return place.next < end();
    }

    [[nodiscard]] std::uint64_t missed_by(const Place& place) const noexcept override {
        return place.missed + (place.next < first_ ? first_ - place.next : 0);
    }

    void drop_oldest() noexcept {
        slots_.drop_front();
        ++first_;
    }

    void drop_all() noexcept override { const Ring<Slot> dropped(std::move(slots_)); }

    std::size_t items_max_;
    bool overwrites_;
    std::uint64_t first_ = 0;  // The number of the oldest item that is kept.
    Ring<Slot> slots_;
};

}  // namespace sluice
