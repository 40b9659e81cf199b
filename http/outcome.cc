#include "sluice/http/outcome.h"

#include <algorithm>

namespace sluice::http {

void Outcome::blame(const Cause& event) noexcept {
    if (!event) {
        return;
    }
    if (!cause) {
        cause = event;
    } else if (note_count < notes_max) {
        notes[note_count] = event;
        ++note_count;
    }
}

void Outcome::acknowledge(std::uint64_t octets, Instant sampled_at) noexcept {
    const std::uint64_t known = send.acknowledged.value_or(0);
    send.acknowledged = std::max(known, std::min(octets, send.wire_accepted()));
    send.acknowledged_at = sampled_at;
}

DeliveryLevel delivery_of(const Outcome& outcome) noexcept {
    if (outcome.send.phase != SendPhase::all_accepted) {
        return DeliveryLevel::none;
    }
    if (outcome.send.acknowledged != outcome.send.wire_accepted()) {
        return DeliveryLevel::kernel;
    }
    return outcome.send.confirmation == Confirmation::none ? DeliveryLevel::acknowledged
                                                           : DeliveryLevel::confirmed;
}

std::string_view name(Side side) noexcept {
    switch (side) {
        case Side::client: return "client";
        case Side::server: return "server";
    }
    return {};
}

std::string_view name(SendPhase phase) noexcept {
    switch (phase) {
        case SendPhase::unassigned: return "unassigned";
        case SendPhase::assigned: return "assigned";
        case SendPhase::head_partial: return "head_partial";
        case SendPhase::head_sent: return "head_sent";
        case SendPhase::body_partial: return "body_partial";
        case SendPhase::all_accepted: return "all_accepted";
    }
    return {};
}

std::string_view name(ReceivePhase phase) noexcept {
    switch (phase) {
        case ReceivePhase::none: return "none";
        case ReceivePhase::interim: return "interim";
        case ReceivePhase::head_partial: return "head_partial";
        case ReceivePhase::head_complete: return "head_complete";
        case ReceivePhase::body_partial: return "body_partial";
        case ReceivePhase::complete: return "complete";
    }
    return {};
}

std::string_view name(BodyFraming framing) noexcept {
    switch (framing) {
        case BodyFraming::none: return "none";
        case BodyFraming::length: return "length";
        case BodyFraming::chunked: return "chunked";
        case BodyFraming::close: return "close";
        case BodyFraming::upgrade: return "upgrade";
    }
    return {};
}

std::string_view name(DeliveryLevel level) noexcept {
    switch (level) {
        case DeliveryLevel::none: return "none";
        case DeliveryLevel::kernel: return "kernel";
        case DeliveryLevel::acknowledged: return "acknowledged";
        case DeliveryLevel::confirmed: return "confirmed";
    }
    return {};
}

}  // namespace sluice::http
