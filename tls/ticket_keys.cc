#include "sluice/tls/ticket_keys.h"

#include "sluice/runtime/ensure.h"

#include <openssl/core_names.h>
#include <openssl/rand.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <span>
#include <utility>

namespace sluice::tls {

namespace {

bool authenticate(EVP_MAC_CTX* mac, const std::array<unsigned char, 32>& key) {
    char digest[] = "SHA256";
    auto* const octets = const_cast<unsigned char*>(key.data());
    const std::array<OSSL_PARAM, 3> how{
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, octets, key.size()),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    return EVP_MAC_CTX_set_params(mac, how.data()) == 1;
}

}  // namespace

TicketKeys::TicketKeys(Duration period)
    : period_(period), cipher_(EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr)) {
    ensure(cipher_ != nullptr);
    make_newest(never);
}

TicketKeys::~TicketKeys() {
    forget(keys_);
}

void TicketKeys::forget(std::deque<Key>& keys) noexcept {
    for (Key& each : keys) {
        OPENSSL_cleanse(&each, sizeof each);
    }
    keys.clear();
}

std::expected<void, ContextError> TicketKeys::load(const std::string& file) {
    using Kind = ContextError::Kind;
    std::ifstream opened;
    opened.rdbuf()->pubsetbuf(nullptr, 0);  // Else a copy of the keys stays in memory.
    errno = 0;
    opened.open(file, std::ios::binary);
    if (!opened) {
        return std::unexpected(ContextError{Kind::unreadable, file, std::strerror(errno)});
    }
    std::array<unsigned char, keys_max * Key::octets + 1> octets;
    opened.read(reinterpret_cast<char*>(octets.data()), octets.size());
    const auto size = static_cast<std::size_t>(opened.gcount());
    const bool is_whole = size > 0 && size < octets.size() && size % Key::octets == 0;
    std::deque<Key> keys;
    for (std::size_t at = 0; is_whole && at < size; at += Key::octets) {
        const unsigned char* from = octets.data() + at;
        Key& key = keys.emplace_back();
        for (const std::span<unsigned char> part :
             {std::span<unsigned char>(key.name), std::span<unsigned char>(key.authenticating),
              std::span<unsigned char>(key.sealing)}) {
            std::copy_n(from, part.size(), part.begin());
            from += part.size();
        }
    }
    OPENSSL_cleanse(octets.data(), octets.size());
    if (!is_whole) {
        return std::unexpected(ContextError{
            Kind::malformed, file,
            "not 1 to " + std::to_string(keys_max) + " keys of 80 octets, one behind the other"});
    }
    const std::lock_guard lock(mutex_);
    keys_.swap(keys);
    is_of_file_ = true;
    forget(keys);
    return {};
}

void TicketKeys::make_newest(Instant now) {
    Key& made = keys_.emplace_front();
    ensure(RAND_bytes(made.name.data(), static_cast<int>(made.name.size())) == 1);
    ensure(RAND_priv_bytes(made.sealing.data(), static_cast<int>(made.sealing.size())) == 1);
    ensure(RAND_priv_bytes(made.authenticating.data(),
                           static_cast<int>(made.authenticating.size())) == 1);
    made.made = now;
}

void TicketKeys::tick(Instant now) {
    const std::lock_guard lock(mutex_);
    if (is_of_file_) {
        return;
    }
    Instant& newest_since = keys_.front().made;
    if (newest_since == never) {
        newest_since = now;
    } else if (now >= after(newest_since, period_)) {
        make_newest(now);
    }
    while (keys_.size() > 1 && now >= after(keys_.back().made, period_ * periods_kept)) {
        OPENSSL_cleanse(&keys_.back(), sizeof(Key));
        keys_.pop_back();
    }
}

bool TicketKeys::begin_to_seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                               EVP_MAC_CTX* mac) {
    const std::lock_guard lock(mutex_);
    const Key& key = keys_.front();
    std::ranges::copy(key.name, name);
    return RAND_bytes(iv, EVP_CIPHER_get_iv_length(cipher_.get())) == 1 &&
           EVP_EncryptInit_ex(cipher, cipher_.get(), nullptr, key.sealing.data(), iv) == 1 &&
           authenticate(mac, key.authenticating);
}

TicketKeys::Known TicketKeys::begin_to_open(const unsigned char* name, const unsigned char* iv,
                                            EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) {
    const std::lock_guard lock(mutex_);
    const auto key = std::ranges::find_if(keys_, [name](const Key& each) {
        return std::ranges::equal(each.name, std::span(name, 16));
    });
    if (key == keys_.end() ||
        EVP_DecryptInit_ex(cipher, cipher_.get(), nullptr, key->sealing.data(), iv) != 1 ||
        !authenticate(mac, key->authenticating)) {
        return Known::no;
    }
    return key == keys_.begin() ? Known::newest : Known::older;
}

}  // namespace sluice::tls
