// Faults: decides what goes wrong, by the seed or by a script, and keeps what did.
//
// It has a stream of chance of its own, so that a script, which draws nothing, leaves everything
// else in the world as it was.
//
// Threading:    As the backend that owns it.

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/runtime/simulation/fault.h"
#include "sluice/runtime/simulation/options.h"
#include "sluice/runtime/simulation/random.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::simulation {

class Faults {
public:
    explicit Faults(const Options& options);
    Faults(Faults&&) = delete;

    // Whether this opportunity, the next of its kind, is taken.
    [[nodiscard]] bool happens(FaultKind kind, int percent) {
        return draw(kind, percent, 0, 0).has_value();
    }
    // If it is, one of least..most.
    [[nodiscard]] std::optional<std::uint64_t> draw(FaultKind kind, int percent,
                                                    std::uint64_t least, std::uint64_t most);

    // What cuts this direction of a new connection.
    [[nodiscard]] std::optional<Cut> cut_of(std::uint64_t connection, Direction direction);
    // It has come to that.
    void cut_happens(const Cut& cut);

    // The time of what happens next.
    void set_now(Instant now) noexcept { now_ = now; }

    [[nodiscard]] const std::vector<Fault>& injected() const noexcept { return injected_; }

private:
    using Opportunity = std::pair<FaultKind, std::uint64_t>;

    [[nodiscard]] std::optional<Cut> draw_cut(std::uint64_t connection, Direction direction);

    const Options& options_;
    Random random_;
    Instant now_{};
    std::array<std::uint64_t, fault_kinds> opportunities_{};
    std::map<Opportunity, std::uint64_t> scripted_;
    std::vector<Fault> injected_;
};

}  // namespace sluice::simulation
