#include "sluice/tls/record_cipher.h"

#include "sluice/runtime/ensure.h"

#include <openssl/core_names.h>
#include <openssl/params.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>
#include <system_error>

namespace sluice::tls {

namespace {

constexpr std::array suites = {
    RecordSuite{"AES-128-GCM", "SHA256", 16, 32},
    RecordSuite{"AES-256-GCM", "SHA384", 32, 48},
    RecordSuite{"ChaCha20-Poly1305", "SHA256", 32, 32},
};

// OpenSSL looks an algorithm up by its name, at length: once a process.
const EVP_CIPHER* cipher_of(const RecordSuite& suite) noexcept {
    static const std::array<OwnedCipher, suites.size()> fetched = [] {
        std::array<OwnedCipher, suites.size()> ciphers;
        for (std::size_t index = 0; index < suites.size(); ++index) {
            ciphers[index].reset(EVP_CIPHER_fetch(nullptr, suites[index].cipher, nullptr));
        }
        ERR_clear_error();
        return ciphers;
    }();
    const EVP_CIPHER* const cipher =
        fetched[static_cast<std::size_t>(&suite - suites.data())].get();
    ensure(cipher != nullptr);
    return cipher;
}

unsigned char* native(std::byte* octets) noexcept {
    return reinterpret_cast<unsigned char*>(octets);
}

const unsigned char* native(const std::byte* octets) noexcept {
    return reinterpret_cast<const unsigned char*>(octets);
}

// HKDF-Expand-Label (RFC 8446 7.1) of one secret, without a context, for at most as many octets as
// its digest has: then HKDF is one HMAC (RFC 5869 2.3). OpenSSL's own looks its digest up with each
// label, which takes longer than all the rest, and handshakes are counted.
class Expansion {
public:
    Expansion(const RecordSuite& suite, const TrafficSecret& secret)
        : secret_(secret), mac_(new_mac(suite)) {}

    void expand(std::string_view label, std::span<std::byte> into) {
        constexpr std::string_view prefix = "tls13 ";
        std::array<unsigned char, 32> info{};
        auto* end = info.begin() + 1;
        *end++ = static_cast<unsigned char>(into.size());
        *end++ = static_cast<unsigned char>(prefix.size() + label.size());
        end = std::ranges::copy(prefix, end).out;
        end = std::ranges::copy(label, end).out;
        *end++ = 0;  // No context.
        *end++ = 1;  // The first block of HKDF's.
        std::array<unsigned char, EVP_MAX_MD_SIZE> block{};
        std::size_t octets = 0;
        ensure(EVP_MAC_init(mac_.get(), native(secret_.octets.data()), secret_.size, nullptr) == 1);
        ensure(EVP_MAC_update(mac_.get(), info.data(),
                              static_cast<std::size_t>(end - info.begin())) == 1);
        ensure(EVP_MAC_final(mac_.get(), block.data(), &octets, block.size()) == 1);
        ensure(into.size() <= octets);
        std::memcpy(into.data(), block.data(), into.size());
        OPENSSL_cleanse(block.data(), block.size());
    }

private:
    using OwnedMac = std::unique_ptr<EVP_MAC, Frees<EVP_MAC_free>>;
    using OwnedMacContext = std::unique_ptr<EVP_MAC_CTX, Frees<EVP_MAC_CTX_free>>;

    static OwnedMacContext new_mac(const RecordSuite& suite) {
        static const OwnedMac hmac(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
        ensure(hmac != nullptr);
        OwnedMacContext mac(EVP_MAC_CTX_new(hmac.get()));
        ensure(mac != nullptr);
        const std::array parameters{OSSL_PARAM_construct_utf8_string(
                                        OSSL_MAC_PARAM_DIGEST, const_cast<char*>(suite.digest), 0),
                                    OSSL_PARAM_construct_end()};
        ensure(EVP_MAC_CTX_set_params(mac.get(), parameters.data()) == 1);
        return mac;
    }

    const TrafficSecret& secret_;
    OwnedMacContext mac_;
};

}  // namespace

// Those of a thread that have a context, by their last use.
class WarmCiphers {
public:
    WarmCiphers() = default;
    WarmCiphers(WarmCiphers&&) = delete;
    [[nodiscard]] static WarmCiphers& here() noexcept {
        static thread_local WarmCiphers warm;
        return warm;
    }

    void touch(RecordCipher& cipher) { warm_.splice(warm_.begin(), warm_, cipher.place_); }

    void add(RecordCipher& cipher) {
        if (warm_.size() == warm_max) {
            remove(*warm_.back());
        }
        warm_.push_front(&cipher);
        cipher.place_ = warm_.begin();
    }

    void remove(RecordCipher& cipher) noexcept {
        cipher.context_.reset();
        warm_.erase(cipher.place_);
    }

    // Those that stay behind their thread have none.
    ~WarmCiphers() {
        for (RecordCipher* const each : warm_) {
            each->context_.reset();
        }
    }

private:
    // Their contexts take a MiB.
    static constexpr std::size_t warm_max = 1024;

    std::list<RecordCipher*> warm_;
};

const RecordSuite* RecordSuite::find(const SSL_CIPHER* cipher) noexcept {
    constexpr std::uint16_t first = 0x1301;  // TLS_AES_128_GCM_SHA256, and so on (RFC 8446 B.4).
    const std::size_t index = SSL_CIPHER_get_protocol_id(cipher) - std::size_t{first};
    return index < suites.size() ? &suites[index] : nullptr;
}

TrafficSecret TrafficSecret::of_key_log(std::string_view line) noexcept {
    const std::string_view digits = line.substr(line.rfind(' ') + 1);
    TrafficSecret secret;
    secret.size = digits.size() / 2;
    ensure(digits.size() % 2 == 0 && secret.size <= octets_max);
    for (std::size_t index = 0; index < secret.size; ++index) {
        unsigned octet = 0;
        const char* const first = digits.data() + 2 * index;
        ensure(std::from_chars(first, first + 2, octet, 16).ec == std::errc());
        secret.octets[index] = static_cast<std::byte>(octet);
    }
    return secret;
}

TrafficSecret::~TrafficSecret() {
    OPENSSL_cleanse(octets.data(), octets.size());
}

RecordCipher::RecordCipher(Use use, const RecordSuite& suite, const TrafficSecret& secret,
                           std::uint64_t next_record)
    : suite_(suite), secret_(secret), next_(next_record), use_(use) {
    ensure(secret.size == suite.secret_octets);
    derive_keys();
}

RecordCipher::~RecordCipher() {
    if (context_ != nullptr) {
        WarmCiphers::here().remove(*this);
    }
    OPENSSL_cleanse(key_.data(), key_.size());
    OPENSSL_cleanse(iv_.data(), iv_.size());
}

void RecordCipher::derive_keys() {
    Expansion expansion(suite_, secret_);
    expansion.expand("key", std::span(key_).first(suite_.key_octets));
    expansion.expand("iv", iv_);
}

void RecordCipher::change_keys() {
    TrafficSecret next = secret_;
    Expansion expansion(suite_, secret_);
    expansion.expand("traffic upd", std::span(next.octets).first(next.size));
    secret_ = next;
    derive_keys();
    next_ = 0;
    if (context_ != nullptr) {
        WarmCiphers::here().remove(*this);
    }
}

// Its nonce is the record's number, in the mask of the key's own (RFC 8446 5.3).
EVP_CIPHER_CTX* RecordCipher::begin_record(std::span<const std::byte, header_octets> header) {
    std::array<std::byte, iv_octets> nonce = iv_;
    std::uint64_t number = next_++;
    for (std::size_t index = nonce.size(); number != 0; number >>= 8) {
        nonce[--index] ^= static_cast<std::byte>(number);
    }
    const int is_to_seal = use_ == Use::seal ? 1 : 0;
    if (context_ == nullptr) {
        context_.reset(EVP_CIPHER_CTX_new());
        ensure(context_ != nullptr);
        WarmCiphers::here().add(*this);
        ensure(EVP_CipherInit_ex(context_.get(), cipher_of(suite_), nullptr, native(key_.data()),
                                 native(nonce.data()), is_to_seal) == 1);
    } else {
        WarmCiphers::here().touch(*this);
        ensure(EVP_CipherInit_ex(context_.get(), nullptr, nullptr, nullptr, native(nonce.data()),
                                 is_to_seal) == 1);
    }
    int octets = 0;
    ensure(EVP_CipherUpdate(context_.get(), nullptr, &octets, native(header.data()),
                            static_cast<int>(header.size())) == 1);
    return context_.get();
}

void RecordCipher::seal(std::uint8_t type, std::span<const std::byte> content,
                        std::span<std::byte> record) {
    ensure(record.size() == content.size() + overhead_octets);
    const std::size_t body_octets = record.size() - header_octets;
    const auto header = record.first<header_octets>();
    header[0] = std::byte{SSL3_RT_APPLICATION_DATA};
    header[1] = std::byte{3};
    header[2] = std::byte{3};
    header[3] = static_cast<std::byte>(body_octets >> 8);
    header[4] = static_cast<std::byte>(body_octets);
    EVP_CIPHER_CTX* const context = begin_record(header);
    unsigned char* into = native(record.data()) + header_octets;
    int octets = 0;
    if (!content.empty()) {
        ensure(EVP_CipherUpdate(context, into, &octets, native(content.data()),
                                static_cast<int>(content.size())) == 1);
        into += content.size();
    }
    ensure(EVP_CipherUpdate(context, into, &octets, &type, 1) == 1);
    ++into;
    ensure(EVP_CipherFinal_ex(context, into, &octets) == 1 && octets == 0);
    ensure(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, tag_octets, into) == 1);
}

bool RecordCipher::open(std::span<const std::byte, header_octets> header, const Body& body,
                        std::byte* into) {
    ensure(body.size() >= tag_octets);
    std::size_t left = body.size() - tag_octets;
    std::array<std::byte, tag_octets> tag{};
    std::size_t tag_size = 0;
    EVP_CIPHER_CTX* const context = begin_record(header);
    for (const std::span<const std::byte> piece : {body.first, body.rest}) {
        const std::size_t sealed = std::min(left, piece.size());
        int octets = 0;
        if (sealed > 0) {
            ensure(EVP_CipherUpdate(context, native(into), &octets, native(piece.data()),
                                    static_cast<int>(sealed)) == 1);
            into += sealed;
            left -= sealed;
        }
        std::ranges::copy(piece.subspan(sealed), tag.data() + tag_size);
        tag_size += piece.size() - sealed;
    }
    ensure(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, tag_octets, tag.data()) == 1);
    int octets = 0;
    const bool is_genuine = EVP_CipherFinal_ex(context, native(into), &octets) == 1;
    if (!is_genuine) {
        ERR_clear_error();
    }
    return is_genuine;
}

}  // namespace sluice::tls
