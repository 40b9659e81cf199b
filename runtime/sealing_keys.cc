#include "sluice/runtime/sealing_keys.h"

#include <linux/tls.h>

#include <algorithm>
#include <cstring>

namespace sluice {

namespace {

// Big-endian, as both of a record's counters are.
constexpr std::size_t counter_octets = 8;

std::uint64_t read_counter(std::span<const std::byte> from) noexcept {
    std::uint64_t value = 0;
    for (const std::byte each : from.first(counter_octets)) {
        value = value << 8 | std::to_integer<std::uint64_t>(each);
    }
    return value;
}

void add_to_counter(std::span<std::byte> counter, std::uint64_t count) noexcept {
    std::uint64_t value = read_counter(counter) + count;
    for (std::size_t index = counter_octets; index-- > 0; value >>= 8) {
        counter[index] = static_cast<std::byte>(value);
    }
}

// 0: none that kernels seal by, or that is not known here.
std::size_t octets_of(const tls_crypto_info& head) noexcept {
    switch (head.cipher_type) {
        case TLS_CIPHER_AES_GCM_128: return sizeof(tls12_crypto_info_aes_gcm_128);
        case TLS_CIPHER_AES_GCM_256: return sizeof(tls12_crypto_info_aes_gcm_256);
        case TLS_CIPHER_CHACHA20_POLY1305: return sizeof(tls12_crypto_info_chacha20_poly1305);
        default: return 0;
    }
}

tls_crypto_info head_of(std::span<const std::byte> info) noexcept {
    tls_crypto_info head{};
    std::memcpy(&head, info.data(), sizeof head);
    return head;
}

// TLS 1.2's AES-GCM has a nonce of its own in each record, which counts them too.
bool has_explicit_nonce(const tls_crypto_info& head) noexcept {
    return head.version == TLS_1_2_VERSION && head.cipher_type != TLS_CIPHER_CHACHA20_POLY1305;
}

}  // namespace

std::optional<SealingKeys> SealingKeys::of(const void* crypto_info) noexcept {
    tls_crypto_info head{};
    std::memcpy(&head, crypto_info, sizeof head);
    const std::size_t octets = octets_of(head);
    static_assert(sizeof(tls12_crypto_info_aes_gcm_256) <= octets_max);
    static_assert(sizeof(tls12_crypto_info_chacha20_poly1305) <= octets_max);
    if (octets == 0 || (head.version != TLS_1_2_VERSION && head.version != TLS_1_3_VERSION)) {
        return std::nullopt;
    }
    SealingKeys keys;
    keys.octets_ = octets;
    std::memcpy(keys.info_.data(), crypto_info, octets);
    return keys;
}

SealingKeys::~SealingKeys() {
    ::explicit_bzero(info_.data(), info_.size());
}

// Every such struct ends with it.
std::uint64_t SealingKeys::next_record() const noexcept {
    return read_counter(crypto_info().last(counter_octets));
}

void SealingKeys::have_sealed(std::uint64_t records) noexcept {
    add_to_counter(crypto_info().last(counter_octets), records);
    if (has_explicit_nonce(head_of(info_))) {
        add_to_counter(crypto_info().subspan(sizeof(tls_crypto_info)), records);
    }
}

std::size_t SealingKeys::overhead_octets() const noexcept {
    constexpr std::size_t header_and_tag = 5 + 16;
    const tls_crypto_info head = head_of(info_);
    if (head.version == TLS_1_3_VERSION) {
        return header_and_tag + 1;  // The type.
    }
    return has_explicit_nonce(head) ? header_and_tag + counter_octets : header_and_tag;
}

RecordType::RecordType(std::uint8_t value) noexcept : value_(value) {
    cmsghdr header{};
    header.cmsg_level = SOL_TLS;
    header.cmsg_type = TLS_SET_RECORD_TYPE;
    header.cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(control_.data(), &header, sizeof header);
    control_[CMSG_LEN(0)] = std::byte{value};
}

}  // namespace sluice
