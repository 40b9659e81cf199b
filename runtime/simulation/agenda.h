// Agenda: what will happen, by when. Of what happens at one instant, the first put in comes first.

#pragma once

#include "sluice/runtime/clock.h"

#include <cstdint>
#include <queue>
#include <utility>
#include <vector>

namespace sluice::simulation {

template <typename Event>
class Agenda {
public:
    void put(Instant at, const Event& event) { entries_.push({at, sequence_++, event}); }

    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

    // Of an agenda that is not empty.
    [[nodiscard]] Instant next_at() const { return entries_.top().at; }
    [[nodiscard]] const Event& next() const { return entries_.top().event; }
    Event take() {
        Event event = entries_.top().event;
        entries_.pop();
        return event;
    }

private:
    struct Entry {
        Instant at;
        std::uint64_t sequence;
        Event event;

        friend bool operator<(const Entry& left, const Entry& right) noexcept {
            return std::pair(right.at, right.sequence) < std::pair(left.at, left.sequence);
        }
    };

    std::priority_queue<Entry> entries_;
    std::uint64_t sequence_ = 0;
};

}  // namespace sluice::simulation
