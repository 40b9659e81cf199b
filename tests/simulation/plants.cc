#include "sluice/tests/simulation/plants.h"

#include <array>

namespace sluice::campaign {

namespace {

constexpr std::array rows = {
    PlantRow{Plant::outcome_told_twice, "outcome-told-twice", "one-outcome",
             "an observer is told of one exchange twice"},
    PlantRow{Plant::outcome_withheld, "outcome-withheld", "one-outcome",
             "a server's observer is not told of a connection's last exchange"},
    PlantRow{Plant::octets_acknowledged_before_accepted, "acknowledged-above-accepted",
             "counters-in-order", "a record tells of more acknowledged than accepted octets"},
    PlantRow{Plant::counter_runs_back, "counter-runs-back", "counters-grow",
             "a record that is looked at while it grows has shrunk"},
    PlantRow{Plant::last_octet_dropped, "last-octet-dropped", "wire-balance",
             "the kernel takes all but the last octet of a send, and reports all"},
    PlantRow{Plant::octet_altered, "octet-altered", "complete-is-whole",
             "the kernel hands out one octet of a response's content as another"},
    PlantRow{Plant::sent_but_reported_unsent, "sent-but-unreported", "never-on-wire",
             "the kernel sends all of a request, and reports a reset with nothing sent"},
    PlantRow{Plant::last_octets_before_end_lost, "octet-before-end-lost", "truncated-exactly",
             "the kernel loses an octet of the last that came before the peer's end"},
    PlantRow{Plant::acknowledged_at_once, "acknowledged-at-once", "acknowledged-is-so",
             "TCP says that all it has accepted was acknowledged"},
    PlantRow{Plant::confirmed_by_reset, "confirmed-by-reset", "confirmed-is-read",
             "a record says confirmed where the peer's TCP had acknowledged"},
    PlantRow{Plant::reset_told_as_fin, "reset-told-as-fin", "cause-is-proven",
             "the kernel reports a reset as an orderly end"},
    PlantRow{Plant::cancelled_told_as_peer, "cancelled-told-as-peer", "cause-is-first",
             "a record blames the peer for what the application cancelled"},
    PlantRow{Plant::executed_twice, "executed-twice", "executed-once",
             "a client sends a POST again whatever its outcome's class"},
    PlantRow{Plant::handler_left_behind, "handler-left-behind", "handler-ends",
             "a handler whose client went does not reach its end"},
    PlantRow{Plant::deadline_ignored, "deadline-ignored", "deadline-holds",
             "the limit for a whole exchange is not passed on"},
    PlantRow{Plant::sync_skipped, "sync-skipped", "confirmed-is-durable",
             "the kernel reports a sync that it did not do"},
    PlantRow{Plant::half_written_object, "half-written-object", "objects-are-whole",
             "the store writes an upload straight under its name"},
    PlantRow{Plant::answers_crossed, "answers-crossed", "answers-in-order",
             "a handler answers with what the request before asked for"},
    PlantRow{Plant::proxy_finishes_truncated, "proxy-finishes-truncated", "proxy-is-honest",
             "a proxy ends its answer in good order though its origin's was cut"},
    PlantRow{Plant::completion_lost, "completion-lost", "no-deadlock",
             "the kernel never completes a send"},
    PlantRow{Plant::descriptor_kept, "descriptor-kept", "no-leak", "a closed socket stays open"},
    PlantRow{Plant::whole_told_as_early, "whole-told-as-early", "early-is-early",
             "a record of a request that was sent whole lacks its end"},
    PlantRow{Plant::cut_told_as_end, "cut-told-as-end", "end-is-vouched-for",
             "a record takes TCP's FIN for the peer's goodbye", true},
};

}  // namespace

std::span<const PlantRow> plants() noexcept {
    return rows;
}

const PlantRow* find_plant(std::string_view name) noexcept {
    for (const PlantRow& row : rows) {
        if (row.name == name) {
            return &row;
        }
    }
    return nullptr;
}

}  // namespace sluice::campaign
