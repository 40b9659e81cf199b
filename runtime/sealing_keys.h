// SealingKeys: what a kernel needs to seal TLS records by itself. RecordType: of what a record is.
//
// Ownership:    Values. Keys are wiped when they go.
// Source:       Documentation/networking/tls.rst, linux/tls.h; RFC 8446 5, RFC 5288 3, RFC 7905 2.

#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace sluice {

class SealingKeys {
public:
    // Of a struct tls12_crypto_info_... of linux/tls.h. None: no suite that kernels seal by, which
    // are AES-128-GCM, AES-256-GCM and ChaCha20-Poly1305.
    [[nodiscard]] static std::optional<SealingKeys> of(const void* crypto_info) noexcept;
    SealingKeys(const SealingKeys&) = default;
    SealingKeys& operator=(const SealingKeys&) = default;
    ~SealingKeys();

    // The same struct.
    [[nodiscard]] std::span<std::byte> crypto_info() noexcept { return {info_.data(), octets_}; }
    [[nodiscard]] std::span<const std::byte> crypto_info() const noexcept {
        return {info_.data(), octets_};
    }

    // The number of the record that is to be sealed next, and that so many were.
    [[nodiscard]] std::uint64_t next_record() const noexcept;
    void have_sealed(std::uint64_t records) noexcept;

    // What a record has around its plaintext.
    [[nodiscard]] std::size_t overhead_octets() const noexcept;

private:
    static constexpr std::size_t octets_max = 56;

    SealingKeys() = default;

    std::array<std::byte, octets_max> info_{};
    std::size_t octets_ = 0;
};

class RecordType {
public:
    // As TLS has them.
    static constexpr std::uint8_t alert = 21;
    static constexpr std::uint8_t application = 23;

    explicit RecordType(std::uint8_t value) noexcept;

    [[nodiscard]] std::uint8_t value() const noexcept { return value_; }
    // What sendmsg(2) is told with the octets; what the application says needs nothing.
    [[nodiscard]] std::span<const std::byte> control() const noexcept {
        return std::span(control_).first(value_ == application ? 0 : CMSG_LEN(sizeof value_));
    }

private:
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(std::uint8_t))> control_{};
    std::uint8_t value_;
};

}  // namespace sluice
