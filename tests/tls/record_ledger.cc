#include "sluice/tests/tls/record_ledger.h"

#include <openssl/ssl.h>

#include <algorithm>

namespace sluice::tests {

namespace {

constexpr std::size_t header_octets = 5;
constexpr std::size_t random_at = 11;  // Behind the headers of the record and of its message.

// What a record of the application's has beside its plaintext.
std::uint64_t overhead_of(const SSL* ssl) {
    if (SSL_version(ssl) == TLS1_3_VERSION) {
        return 17;  // The tag and the inner type.
    }
    const bool is_chacha =
        SSL_CIPHER_get_cipher_nid(SSL_get_current_cipher(ssl)) == NID_chacha20_poly1305;
    return is_chacha ? 16 : 24;
}

}  // namespace

void RecordLedger::hear(ssl_ctx_st* context) {
    SSL_CTX_set_msg_callback(context, heard);
    SSL_CTX_set_msg_callback_arg(context, this);
}

// NOLINTNEXTLINE(readability-function-size): OpenSSL's signature.
void RecordLedger::heard(int is_written, int, int kind, const void* octets, std::size_t size,
                         ssl_st* ssl, void* ledger) {
    if (is_written != 0) {
        static_cast<RecordLedger*>(ledger)->write(
            ssl, kind, {static_cast<const unsigned char*>(octets), size});
    }
}

void RecordLedger::write(ssl_st* ssl, int kind, std::span<const unsigned char> octets) {
    const bool is_header = kind == SSL3_RT_HEADER;
    const bool is_inner_type = kind == SSL3_RT_INNER_CONTENT_TYPE;
    const bool is_goodbye = kind == SSL3_RT_ALERT && octets.back() == SSL_AD_CLOSE_NOTIFY;
    if (!is_header && !is_inner_type && !is_goodbye) {
        return;
    }
    std::string random(SSL3_RANDOM_SIZE, '\0');
    SSL_get_client_random(ssl, reinterpret_cast<unsigned char*>(random.data()), random.size());
    Written& written = written_[random][static_cast<std::size_t>(SSL_is_server(ssl))];
    std::vector<Record>& records = written.records;
    if (is_goodbye) {
        written.goodbye_end = records.back().end;
        return;
    }
    const std::uint64_t before = records.size() < 2 ? 0 : records[records.size() - 2].plaintext;
    if (is_inner_type) {
        // It was told as application data, as all that is encrypted.
        if (octets.front() != SSL3_RT_APPLICATION_DATA) {
            records.back().plaintext = before;
        }
        return;
    }
    const std::uint64_t length = std::uint64_t{octets[3]} * 256 + octets[4];
    const Record last = records.empty() ? Record{0, 0} : records.back();
    const bool has_plaintext = octets.front() == SSL3_RT_APPLICATION_DATA;
    const std::uint64_t plaintext = has_plaintext ? length - overhead_of(ssl) : 0;
    records.push_back({last.end + header_octets + length, last.plaintext + plaintext});
}

const RecordLedger::Written* RecordLedger::find(std::string_view opening, bool by_server) const {
    if (opening.size() < opening_octets) {
        return nullptr;
    }
    const auto found = written_.find(opening.substr(random_at, SSL3_RANDOM_SIZE));
    return found == written_.end() ? nullptr : &found->second[by_server ? 1 : 0];
}

std::uint64_t RecordLedger::plaintext_within(std::string_view opening, bool by_server,
                                             std::uint64_t octets) const {
    const Written* const written = find(opening, by_server);
    if (written == nullptr) {
        return 0;
    }
    const auto beyond = std::ranges::upper_bound(written->records, octets, {}, &Record::end);
    return beyond == written->records.begin() ? 0 : std::prev(beyond)->plaintext;
}

std::optional<std::uint64_t> RecordLedger::goodbye_end(std::string_view opening,
                                                       bool by_server) const {
    const Written* const written = find(opening, by_server);
    return written == nullptr ? std::nullopt : written->goodbye_end;
}

}  // namespace sluice::tests
