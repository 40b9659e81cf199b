#include "sluice/runtime/simulation/faults.h"

#include <algorithm>
#include <bit>

namespace sluice::simulation {

namespace {

FaultKind fault_of(CutKind kind) {
    switch (kind) {
        case CutKind::reset: return FaultKind::reset;
        case CutKind::fin: return FaultKind::fin;
        case CutKind::silence: return FaultKind::silence;
    }
    return FaultKind::reset;
}

std::optional<CutKind> cut_of_fault(FaultKind kind) {
    for (const CutKind cut : {CutKind::reset, CutKind::fin, CutKind::silence}) {
        if (fault_of(cut) == kind) {
            return cut;
        }
    }
    return std::nullopt;
}

}  // namespace

Faults::Faults(const Options& options)
    : options_(options), random_(options.seed ^ 0x66'61'75'6c'74) {
    if (options.script) {
        for (const Fault& fault : *options.script) {
            scripted_.emplace(Opportunity(fault.kind, fault.number), fault.value);
        }
    }
}

std::optional<std::uint64_t> Faults::draw(FaultKind kind, int percent, std::uint64_t least,
                                          std::uint64_t most) {
    const std::uint64_t number = opportunities_[static_cast<std::size_t>(kind)]++;
    std::uint64_t value = 0;
    if (options_.script) {
        const auto scripted = scripted_.find({kind, number});
        if (scripted == scripted_.end()) {
            return std::nullopt;
        }
        value = std::clamp(scripted->second, least, most);
    } else if (random_.chance(percent)) {
        value = least == most ? least : random_.between(least, most);
    } else {
        return std::nullopt;
    }
    injected_.push_back({.kind = kind, .number = number, .value = value, .at = now_});
    return value;
}

std::optional<Cut> Faults::cut_of(std::uint64_t connection, Direction direction) {
    if (!options_.script) {
        const auto given = std::ranges::find_if(options_.cuts, [&](const Cut& cut) {
            return cut.connection == connection && cut.direction == direction;
        });
        return given == options_.cuts.end() ? draw_cut(connection, direction) : *given;
    }
    for (const Fault& fault : *options_.script) {
        const std::optional<CutKind> kind = cut_of_fault(fault.kind);
        if (kind && fault.number == connection && fault.direction == direction) {
            return Cut{static_cast<std::size_t>(connection), direction, fault.value, *kind};
        }
    }
    return std::nullopt;
}

// Most of what matters happens early: the number of digits is drawn first.
std::optional<Cut> Faults::draw_cut(std::uint64_t connection, Direction direction) {
    if (!random_.chance(options_.network.cut_percent)) {
        return std::nullopt;
    }
    const std::uint64_t most = std::max<std::uint64_t>(options_.network.cut_octets_max, 1);
    const auto digits = static_cast<std::uint64_t>(std::bit_width(most));
    const std::uint64_t after =
        random_.below(std::min(most, std::uint64_t{1} << random_.between(0, digits)));
    const auto kind = static_cast<CutKind>(random_.below(3));
    return Cut{static_cast<std::size_t>(connection), direction, after, kind};
}

void Faults::cut_happens(const Cut& cut) {
    injected_.push_back({.kind = fault_of(cut.kind),
                         .number = cut.connection,
                         .direction = cut.direction,
                         .value = cut.after_octets,
                         .at = now_});
}

}  // namespace sluice::simulation
