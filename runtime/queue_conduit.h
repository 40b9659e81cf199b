// QueueConduit<T>: each item goes to one receiver.
//
// Bounded, unbounded, rendezvous, one-shot and overwriting channels are this, told apart by how
// many items may wait, and by what becomes of one more.

#pragma once

#include "sluice/runtime/conduit.h"
#include "sluice/runtime/ring.h"
#include "sluice/runtime/wait_line.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace sluice {

// What becomes of an item for which there is no room, and what of the channel after the first.
enum class QueueKind : std::uint8_t { waits, overwrites, once };

template <typename T>
class QueueConduit final : public Conduit<T> {
public:
    QueueConduit(std::size_t items_max, QueueKind kind) noexcept
        : items_max_(items_max), kind_(kind) {}

private:
    using Writing = typename Conduit<T>::Writing;
    using Reading = typename Conduit<T>::Reading;

    [[nodiscard]] bool has_room() const noexcept { return items_.size() + reserved_ < items_max_; }

    bool put(T& item, Served& served) override {
        if (!this->readers().empty()) {
            static_cast<Reading*>(this->readers().front())->item().emplace(std::move(item));
            this->readers().serve_front(served);
        } else if (has_room()) {
            items_.push(std::move(item));
        } else if (kind_ == QueueKind::overwrites) {
            swap_with_oldest(item);
        } else {
            return false;
        }
        if (kind_ == QueueKind::once) {
            this->seal(served);
        }
        return true;
    }

    // The oldest goes where the item was, so that it is destroyed there, without the lock.
    void swap_with_oldest(T& item) {
        ++overwritten_;
        T oldest(std::move(items_.front()));
        items_.drop_front();
        items_.push(std::move(item));
        std::destroy_at(&item);
        std::construct_at(&item, std::move(oldest));
    }

    bool take(Place&, std::optional<T>& into, Served& served) override {
        if (!items_.empty()) {
            into.emplace(std::move(items_.front()));
            items_.drop_front();
            admit(served);
            return true;
        }
        if (this->writers().empty()) {
            return false;
        }
        // Nothing is queued and somebody waits to write: all room is reserved, or there is none.
        Writing& first = *static_cast<Writing*>(this->writers().front());
        if (first.item() == nullptr) {
            return false;
        }
        into.emplace(std::move(*first.item()));
        this->writers().serve_front(served);
        return true;
    }

    void admit(Served& served) override {
        while (!this->writers().empty()) {
            Writing& first = *static_cast<Writing*>(this->writers().front());
            if (first.item() == nullptr ? !reserve() : !put(*first.item(), served)) {
                return;
            }
            this->writers().serve_front(served);
        }
    }

    bool reserve() noexcept override {
        const bool is_free = has_room();
        reserved_ += is_free ? 1 : 0;
        return is_free;
    }

    void unreserve() noexcept override { --reserved_; }

    void joined(const Place&) noexcept override {}
    void left(const Place&, Served&) noexcept override {}

    [[nodiscard]] bool has_for(const Place&) const noexcept override {
        return !items_.empty() || !this->writers().empty();
    }

    [[nodiscard]] std::uint64_t missed_by(const Place&) const noexcept override {
        return overwritten_;
    }

    void drop_all() noexcept override { const Ring<T> dropped(std::move(items_)); }

    std::size_t items_max_;
    QueueKind kind_;
    std::size_t reserved_ = 0;
    std::uint64_t overwritten_ = 0;
    Ring<T> items_;
};

}  // namespace sluice
