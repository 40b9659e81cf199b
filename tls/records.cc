#include "sluice/tls/records.h"

#include <algorithm>
#include <array>

namespace sluice::tls {

namespace {

// What a peer may say in a row that carries no plaintext: tickets, new keys, nothing at all. Each
// costs us more than it costs the peer.
constexpr std::uint32_t asides_max = 32;

constexpr std::size_t message_header_octets = 4;

// No ticket is longer: its own length is one of 16 bits, and so is that of its extensions.
constexpr std::uint32_t ticket_octets_max = 2 * 0x10000 + 512;

}  // namespace

Records::Records(const Beginning& beginning, std::uint64_t records_max)
    : reader_(beginning.suite, beginning.received),
      sealing_(RecordCipher::Use::seal, beginning.suite, beginning.sent, beginning.records_sent),
      records_max_(records_max),
      is_server_(beginning.is_server) {}

Records::Opened Records::fail(Errc code, const Refusal& refusal) noexcept {
    failure_ = {code, refusal.alert, refusal.why};
    return {Step::failed, 0};
}

Records::Opened Records::open(Received& input, std::span<std::byte> into, TicketReader* tickets) {
    const std::expected<RecordReader::Record, Refusal> record = reader_.open(input, into);
    if (!record) {
        return fail(Errc::alert_sent, record.error());
    }
    const std::span<const std::byte> content = record->content;
    const std::uint8_t type = record->type;
    const bool is_plaintext = type == SSL3_RT_APPLICATION_DATA;
    Checked refused;
    if (is_within_message() && type != SSL3_RT_HANDSHAKE) {
        refused = Refusal{Alert::unexpected_message, "a record within a message"};
    } else if (type == SSL3_RT_ALERT) {
        const Heard heard = hear_alert(content);
        if (heard) {
            return *heard;
        }
    } else if (type == SSL3_RT_HANDSHAKE) {
        refused = hear_handshake(content);
        if (!refused && tickets != nullptr && !has_changed_keys_) {
            refused = tickets->read_tickets(reader_.header(), reader_.body(input));
        }
    } else if (!is_plaintext) {
        refused = Refusal{Alert::unexpected_message, "a record of an unknown type"};
    }
    if (refused) {
        return fail(Errc::alert_sent, *refused);
    }
    reader_.drop_record(input);
    if (is_plaintext && !content.empty()) {
        asides_ = 0;
        return {Step::done, content.size()};
    }
    if (++asides_ > asides_max) {
        return fail(Errc::limit_exceeded,
                    {Alert::internal_error, "too many messages that carry nothing"});
    }
    return {Step::done, 0};
}

// All but two end the connection, whatever level they claim to have (RFC 8446 6).
Records::Heard Records::hear_alert(std::span<const std::byte> content) noexcept {
    if (content.size() != 2) {
        return fail(Errc::alert_sent, {Alert::decode_error, "an alert of another length than 2"});
    }
    const auto alert = static_cast<Alert>(content[1]);
    if (alert == Alert::close_notify) {
        return Opened{Step::ended, 0};
    }
    if (alert == Alert::user_canceled) {  // The goodbye is still to come.
        return std::nullopt;
    }
    return fail(Errc::alert_received, {alert, "the peer's alert"});
}

// Of messages all that matters is where they end, but for one.
Records::Checked Records::hear_handshake(std::span<const std::byte> content) {
    if (content.empty()) {
        return Refusal{Alert::unexpected_message, "an empty record of a handshake's"};
    }
    while (!content.empty()) {
        if (header_size_ < message_header_octets) {
            header_ = header_ << 8 | std::to_integer<std::uint32_t>(content.front());
            content = content.subspan(1);
            if (++header_size_ < message_header_octets) {
                continue;
            }
            message_left_ = header_ & 0xFFFFFF;
            if (const Checked refused = begin_message()) {
                return refused;
            }
            continue;
        }
        const std::size_t heard = std::min<std::size_t>(message_left_, content.size());
        const std::byte first = content.front();
        content = content.subspan(heard);
        message_left_ -= static_cast<std::uint32_t>(heard);
        if (message_left_ > 0) {
            continue;
        }
        const bool is_key_update = header_ >> 24 == SSL3_MT_KEY_UPDATE;
        header_ = 0;
        header_size_ = 0;
        if (is_key_update) {
            return hear_key_update(first, content.empty());
        }
    }
    return std::nullopt;
}

// Of one whose header is there. None of those that may come is empty.
Records::Checked Records::begin_message() const noexcept {
    switch (header_ >> 24) {
        case SSL3_MT_KEY_UPDATE:
            if (message_left_ == 1) {
                return std::nullopt;
            }
            break;
        case SSL3_MT_NEWSESSION_TICKET:
            if (is_server_) {
                return Refusal{Alert::unexpected_message, "a client's ticket"};
            }
            if (message_left_ > 0 && message_left_ <= ticket_octets_max) {
                return std::nullopt;
            }
            break;
        default: return Refusal{Alert::unexpected_message, "a message out of place"};
    }
    return Refusal{Alert::decode_error, "a message of a wrong length"};
}

Records::Checked Records::hear_key_update(std::byte request, bool is_record_end) {
    if (!is_record_end) {
        return Refusal{Alert::unexpected_message, "a message in the midst of which keys change"};
    }
    if (request > std::byte{SSL_KEY_UPDATE_REQUESTED}) {
        return Refusal{Alert::illegal_parameter, "new keys that are wanted in an unknown way"};
    }
    reader_.change_keys();
    has_changed_keys_ = true;
    owes_new_keys_ |= request == std::byte{SSL_KEY_UPDATE_REQUESTED};
    return std::nullopt;
}

void Records::seal(std::span<const std::byte> plaintext, Output& output) {
    if (owes_new_keys_ || sealing_.next_record() >= records_max_) {
        change_sealing_keys(output);
    }
    seal_record(SSL3_RT_APPLICATION_DATA, plaintext, output);
}

void Records::seal_alert(std::span<const std::byte> alert, Output& output) {
    seal_record(SSL3_RT_ALERT, alert, output);
}

void Records::seal_record(std::uint8_t type, std::span<const std::byte> content, Output& output) {
    sealing_.seal(type, content, output.extend(content.size() + RecordCipher::overhead_octets));
}

// Without demanding the peer's (RFC 8446 4.6.3).
void Records::change_sealing_keys(Output& output) {
    constexpr std::array message{std::byte{SSL3_MT_KEY_UPDATE}, std::byte{0}, std::byte{0},
                                 std::byte{1}, std::byte{SSL_KEY_UPDATE_NOT_REQUESTED}};
    seal_record(SSL3_RT_HANDSHAKE, message, output);
    sealing_.change_keys();
    owes_new_keys_ = false;
    has_changed_keys_ = true;
}

}  // namespace sluice::tls
