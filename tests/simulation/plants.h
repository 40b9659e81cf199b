// Plants: the lies that the oracle must see through, one for each rule.
//
// No lie is in the library. Each is told between it and the oracle: by a kernel that misreports, by
// an application that does not do what it says, by a record that was altered on its way.

#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::campaign {

enum class Plant : std::uint8_t {
    none,
    outcome_told_twice,
    outcome_withheld,
    octets_acknowledged_before_accepted,
    counter_runs_back,
    last_octet_dropped,
    octet_altered,
    sent_but_reported_unsent,
    last_octets_before_end_lost,
    acknowledged_at_once,
    confirmed_by_reset,
    reset_told_as_fin,
    cancelled_told_as_peer,
    executed_twice,
    handler_left_behind,
    deadline_ignored,
    sync_skipped,
    half_written_object,
    answers_crossed,
    proxy_finishes_truncated,
    completion_lost,
    descriptor_kept,
    cut_told_as_end,
    whole_told_as_early,
};

struct PlantRow {
    Plant plant;
    std::string_view name;
    std::string_view rule;  // That must see it.
    std::string_view lie;   // In a sentence.
    bool over_tls = false;  // The lie is about TLS.
};

[[nodiscard]] std::span<const PlantRow> plants() noexcept;
[[nodiscard]] const PlantRow* find_plant(std::string_view name) noexcept;

}  // namespace sluice::campaign
