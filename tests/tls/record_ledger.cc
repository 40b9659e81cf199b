#include "sluice/tests/tls/record_ledger.h"

#include "sluice/runtime/ensure.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <algorithm>
#include <charconv>

namespace sluice::tests {

namespace {

constexpr std::size_t header_octets = 5;
constexpr std::size_t tag_octets = 16;
constexpr std::size_t random_at = 11;  // Behind the headers of the record and of its message.

using Octets = std::vector<unsigned char>;

// What a record of the application's has beside its plaintext, in TLS 1.2.
std::uint64_t overhead_of(const SSL* ssl) {
    const bool is_chacha =
        SSL_CIPHER_get_cipher_nid(SSL_get_current_cipher(ssl)) == NID_chacha20_poly1305;
    return is_chacha ? 16 : 24;
}

std::string random_of(const SSL* ssl) {
    std::string random(SSL3_RANDOM_SIZE, '\0');
    SSL_get_client_random(ssl, reinterpret_cast<unsigned char*>(random.data()), random.size());
    return random;
}

Octets octets_of(std::string_view hex) {
    Octets octets(hex.size() / 2);
    for (std::size_t index = 0; index < octets.size(); ++index) {
        const char* const digits = hex.data() + 2 * index;
        std::from_chars(digits, digits + 2, octets[index], 16);
    }
    return octets;
}

void expand(Octets secret, const EVP_MD* digest, std::string label, std::span<unsigned char> into) {
    using Kdf = std::unique_ptr<EVP_KDF, tls::Frees<EVP_KDF_free>>;
    using Context = std::unique_ptr<EVP_KDF_CTX, tls::Frees<EVP_KDF_CTX_free>>;
    static const Kdf kdf(EVP_KDF_fetch(nullptr, OSSL_KDF_NAME_TLS1_3_KDF, nullptr));
    const Context context(EVP_KDF_CTX_new(kdf.get()));
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    std::string prefix = "tls13 ";
    const std::array parameters{
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                         const_cast<char*>(EVP_MD_get0_name(digest)), 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret.data(), secret.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, prefix.data(), prefix.size()),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, label.data(), label.size()),
        OSSL_PARAM_construct_end()};
    ensure(EVP_KDF_derive(context.get(), into.data(), into.size(), parameters.data()) == 1);
}

std::size_t body_octets(std::span<const unsigned char> header) {
    return std::size_t{header[3]} * 256 + header[4];
}

}  // namespace

void RecordLedger::Written::add(std::uint64_t octets, std::uint64_t plaintext) {
    const Record last = records.empty() ? Record{0, 0} : records.back();
    records.push_back({last.end + octets, last.plaintext + plaintext});
}

void RecordLedger::Opener::know(const SSL* ssl, std::string_view secret) {
    const SSL_CIPHER* const suite = SSL_get_current_cipher(ssl);
    const EVP_CIPHER* const cipher = EVP_get_cipherbynid(SSL_CIPHER_get_cipher_nid(suite));
    const EVP_MD* const digest = SSL_CIPHER_get_handshake_digest(suite);
    const Octets octets = octets_of(secret);
    Octets key(static_cast<std::size_t>(EVP_CIPHER_get_key_length(cipher)));
    expand(octets, digest, "key", key);
    expand(octets, digest, "iv", iv_);
    context_.reset(EVP_CIPHER_CTX_new());
    ensure(EVP_DecryptInit_ex(context_.get(), cipher, nullptr, key.data(), iv_.data()) == 1);
}

std::optional<RecordLedger::Opener::Content> RecordLedger::Opener::open(
    std::span<unsigned char> record) {
    std::array<unsigned char, 12> nonce = iv_;
    for (std::size_t index = 0; index < sizeof next_; ++index) {
        nonce[nonce.size() - 1 - index] ^= static_cast<unsigned char>(next_ >> (8 * index));
    }
    const std::span<unsigned char> body = record.subspan(header_octets);
    if (body.size() <= tag_octets) {
        return std::nullopt;
    }
    const std::span<unsigned char> sealed = body.first(body.size() - tag_octets);
    int octets = 0;
    EVP_CIPHER_CTX* const context = context_.get();
    plaintext_.resize(sealed.size());
    ensure(EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, nonce.data()) == 1);
    ensure(EVP_DecryptUpdate(context, nullptr, &octets, record.data(), header_octets) == 1);
    ensure(EVP_DecryptUpdate(context, plaintext_.data(), &octets, sealed.data(),
                             static_cast<int>(sealed.size())) == 1);
    ensure(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tag_octets,
                               body.last(tag_octets).data()) == 1);
    if (EVP_DecryptFinal_ex(context, plaintext_.data(), &octets) != 1) {
        ERR_clear_error();
        return std::nullopt;
    }
    ++next_;
    std::size_t size = plaintext_.size();
    while (size > 1 && plaintext_[size - 1] == 0) {
        --size;
    }
    return Content{plaintext_[size - 1], std::span(plaintext_).first(size - 1)};
}

int RecordLedger::index() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
}

RecordLedger& RecordLedger::of(const SSL* ssl) {
    return *static_cast<RecordLedger*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index()));
}

void RecordLedger::hear(SSL_CTX* context) {
    SSL_CTX_set_msg_callback(context, heard);
    SSL_CTX_set_msg_callback_arg(context, this);
    ensure(SSL_CTX_set_ex_data(context, index(), this) == 1);
    ensure(SSL_CTX_get_keylog_callback(context) != told_secret);
    told_before_[context] = SSL_CTX_get_keylog_callback(context);
    SSL_CTX_set_keylog_callback(context, told_secret);
}

RecordLedger::End& RecordLedger::end_of(const SSL* ssl, bool by_server) {
    return ends_[random_of(ssl)][by_server ? 1 : 0];
}

void RecordLedger::told_secret(const SSL* ssl, const char* line) {
    RecordLedger& ledger = of(ssl);
    if (const auto before = ledger.told_before_[SSL_get_SSL_CTX(ssl)]) {
        before(ssl, line);
    }
    const std::string_view text(line);
    const bool by_server = text.starts_with("SERVER_TRAFFIC_SECRET_0 ");
    if (by_server || text.starts_with("CLIENT_TRAFFIC_SECRET_0 ")) {
        Opener& opener = ledger.end_of(ssl, by_server).opener;
        if (!opener.knows()) {
            opener.know(ssl, text.substr(text.rfind(' ') + 1));
        }
    }
}

// NOLINTNEXTLINE(readability-function-size): OpenSSL's signature.
void RecordLedger::heard(int is_written, int, int kind, const void* octets, std::size_t size,
                         SSL* ssl, void* ledger) {
    if (is_written != 0) {
        static_cast<RecordLedger*>(ledger)->write(
            ssl, kind, {static_cast<const unsigned char*>(octets), size});
    }
}

void RecordLedger::write(SSL* ssl, int kind, std::span<const unsigned char> octets) {
    Written& written = end_of(ssl, SSL_is_server(ssl) == 1).heard;
    if (kind == SSL3_RT_ALERT && octets.back() == SSL_AD_CLOSE_NOTIFY) {
        written.goodbye_end = written.records.back().end;
    } else if (kind == SSL3_RT_HEADER) {
        const bool has_plaintext =
            octets.front() == SSL3_RT_APPLICATION_DATA && SSL_version(ssl) != TLS1_3_VERSION;
        const std::uint64_t length = body_octets(octets);
        written.add(header_octets + length, has_plaintext ? length - overhead_of(ssl) : 0);
    }
}

void RecordLedger::given(std::string_view opening, bool by_server,
                         std::span<const std::byte> octets) {
    if (opening.size() < opening_octets) {
        return;
    }
    End& end = ends_[std::string(opening.substr(random_at, SSL3_RANDOM_SIZE))][by_server ? 1 : 0];
    const auto* const from = reinterpret_cast<const unsigned char*>(octets.data());
    end.rest.insert(end.rest.end(), from, from + octets.size());
    std::span<unsigned char> rest = end.rest;
    while (rest.size() >= header_octets && rest.size() >= header_octets + body_octets(rest)) {
        const std::size_t size = header_octets + body_octets(rest);
        read_record(end, rest.first(size));
        rest = rest.subspan(size);
    }
    end.rest.erase(end.rest.begin(), end.rest.end() - static_cast<std::ptrdiff_t>(rest.size()));
}

void RecordLedger::read_record(End& end, std::span<unsigned char> record) {
    std::optional<Opener::Content> content;
    if (record.front() == SSL3_RT_APPLICATION_DATA && end.opener.knows()) {
        content = end.opener.open(record);
    }
    const bool has_plaintext = content && content->type == SSL3_RT_APPLICATION_DATA;
    end.seen.add(record.size(), has_plaintext ? content->octets.size() : 0);
    if (content && content->type == SSL3_RT_ALERT && !content->octets.empty() &&
        content->octets.back() == SSL_AD_CLOSE_NOTIFY) {
        end.seen.goodbye_end = end.seen.records.back().end;
    }
}

const RecordLedger::Written* RecordLedger::find(std::string_view opening, bool by_server) const {
    if (opening.size() < opening_octets) {
        return nullptr;
    }
    const auto found = ends_.find(opening.substr(random_at, SSL3_RANDOM_SIZE));
    if (found == ends_.end()) {
        return nullptr;
    }
    const End& end = found->second[by_server ? 1 : 0];
    return end.opener.knows() ? &end.seen : &end.heard;
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
