#include "sluice/tests/tls/kernel_sealer.h"

#include "sluice/runtime/ensure.h"
#include "sluice/tls/openssl_objects.h"

#include <linux/tls.h>

#include <cstring>

namespace sluice::tests {

namespace {

using Octets = std::vector<unsigned char>;

// The parts of any such struct.
struct Parts {
    const EVP_CIPHER* cipher = nullptr;
    bool is_tls_1_3 = false;
    Octets key;
    Octets iv;     // Of 12 octets: salt and nonce.
    Octets count;  // Of 8.
};

template <typename Info>
void read_parts(const void* from, Parts& parts) {
    Info info{};
    std::memcpy(&info, from, sizeof info);
    parts.is_tls_1_3 = info.info.version == TLS_1_3_VERSION;
    parts.key.assign(std::begin(info.key), std::end(info.key));
    if constexpr (sizeof(info.iv) < 12) {
        parts.iv.assign(std::begin(info.salt), std::end(info.salt));
    }
    parts.iv.insert(parts.iv.end(), std::begin(info.iv), std::end(info.iv));
    parts.count.assign(std::begin(info.rec_seq), std::end(info.rec_seq));
}

Parts parts_of(const SealingKeys& keys) {
    Parts parts;
    tls_crypto_info head{};
    std::memcpy(&head, keys.crypto_info().data(), sizeof head);
    const void* const info = keys.crypto_info().data();
    if (head.cipher_type == TLS_CIPHER_AES_GCM_128) {
        parts.cipher = EVP_aes_128_gcm();
        read_parts<tls12_crypto_info_aes_gcm_128>(info, parts);
    } else if (head.cipher_type == TLS_CIPHER_AES_GCM_256) {
        parts.cipher = EVP_aes_256_gcm();
        read_parts<tls12_crypto_info_aes_gcm_256>(info, parts);
    } else {
        parts.cipher = EVP_chacha20_poly1305();
        read_parts<tls12_crypto_info_chacha20_poly1305>(info, parts);
    }
    return parts;
}

void append_header(Octets& to, std::uint8_t type, std::size_t octets) {
    to.insert(to.end(), {type, 3, 3, static_cast<unsigned char>(octets >> 8),
                         static_cast<unsigned char>(octets)});
}

// The ciphertext, and its tag behind it.
Octets sealed(const Parts& parts, const Octets& nonce, const Octets& associated,
              const Octets& plaintext) {
    constexpr int tag_octets = 16;
    using Context = std::unique_ptr<EVP_CIPHER_CTX, tls::Frees<EVP_CIPHER_CTX_free>>;
    const Context context(EVP_CIPHER_CTX_new());
    Octets out(plaintext.size() + tag_octets);
    int octets = 0;
    ensure(EVP_EncryptInit_ex2(context.get(), parts.cipher, parts.key.data(), nonce.data(),
                               nullptr) == 1);
    ensure(EVP_EncryptUpdate(context.get(), nullptr, &octets, associated.data(),
                             static_cast<int>(associated.size())) == 1);
    ensure(EVP_EncryptUpdate(context.get(), out.data(), &octets, plaintext.data(),
                             static_cast<int>(plaintext.size())) == 1);
    ensure(EVP_EncryptFinal_ex(context.get(), out.data() + octets, &octets) == 1);
    ensure(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, tag_octets,
                               out.data() + plaintext.size()) == 1);
    return out;
}

}  // namespace

std::vector<std::byte> seal_as_kernel(const SealingKeys& keys, std::uint8_t type,
                                      std::span<const std::byte> plaintext) {
    const Parts parts = parts_of(keys);
    const auto* const first = reinterpret_cast<const unsigned char*>(plaintext.data());
    Octets inner(first, first + plaintext.size());
    const bool has_explicit_nonce = !parts.is_tls_1_3 && parts.cipher != EVP_chacha20_poly1305();
    Octets nonce = parts.iv;
    for (std::size_t at = 0; !has_explicit_nonce && at < parts.count.size(); ++at) {
        nonce[4 + at] ^= parts.count[at];
    }
    Octets associated;
    if (parts.is_tls_1_3) {
        inner.push_back(type);
    } else {
        associated = parts.count;
    }
    const std::uint8_t outer_type = parts.is_tls_1_3 ? RecordType::application : type;
    const std::size_t explicit_octets = has_explicit_nonce ? 8 : 0;
    Octets record;
    append_header(record, outer_type, explicit_octets + inner.size() + 16);
    if (parts.is_tls_1_3) {
        associated = record;
    } else {
        append_header(associated, type, inner.size());
    }
    record.insert(record.end(), nonce.end() - static_cast<std::ptrdiff_t>(explicit_octets),
                  nonce.end());
    const Octets body = sealed(parts, nonce, associated, inner);
    record.insert(record.end(), body.begin(), body.end());
    const std::span<const std::byte> octets = std::as_bytes(std::span(record));
    return {octets.begin(), octets.end()};
}

}  // namespace sluice::tests
