#include "sluice/tls/digest.h"

#include "sluice/runtime/ensure.h"

#include <openssl/evp.h>

#include <string_view>

namespace sluice::tls {

void Sha256::Release::operator()(evp_md_ctx_st* context) const {
    EVP_MD_CTX_free(context);
}

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
    ensure(context_ != nullptr);
    begin();
}

void Sha256::begin() {
    ensure(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}

void Sha256::update(std::span<const std::byte> octets) {
    ensure(EVP_DigestUpdate(context_.get(), octets.data(), octets.size()) == 1);
}

Sha256::Digest Sha256::finish() {
    Digest digest;
    unsigned octets = 0;
    auto* const out = reinterpret_cast<unsigned char*>(digest.data());
    ensure(EVP_DigestFinal_ex(context_.get(), out, &octets) == 1);
    ensure(octets == digest.size());
    begin();
    return digest;
}

std::string hex(std::span<const std::byte> octets) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(octets.size() * 2);
    for (const std::byte octet : octets) {
        text += digits[std::to_integer<std::size_t>(octet >> 4)];
        text += digits[std::to_integer<std::size_t>(octet & std::byte{0x0F})];
    }
    return text;
}

}  // namespace sluice::tls
