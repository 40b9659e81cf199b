#include "sluice/tls/context_common.h"

#include "sluice/runtime/ensure.h"
#include "sluice/tls/engine.h"
#include "sluice/tls/peer_certificate.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <tuple>
#include <utility>

namespace sluice::tls {

namespace {

using Kind = ContextError::Kind;

// Whoever reads it reads everything: it is its owner's alone, and no child process's.
class KeyLog {
public:
    explicit KeyLog(const std::string& file)
        : fd_(::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR)) {}
    KeyLog(KeyLog&&) = delete;
    ~KeyLog() {
        if (is_open()) {
            ::close(fd_);
        }
    }

    [[nodiscard]] bool is_open() const noexcept { return fd_ >= 0; }

    // At once, so that lines of several threads, or processes, do not mingle.
    void write(std::string_view line) const {
        const std::string text = std::string(line) + "\n";
        std::ignore = ::write(fd_, text.data(), text.size());
    }

private:
    int fd_;
};

// NOLINTNEXTLINE(readability-function-size): how many arguments it takes, OpenSSL says.
void free_key_log(void*, void* log, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<KeyLog*>(log);
}

// Where a context keeps its key log, which goes with it.
int key_log_index() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_key_log);
    return index;
}

// Told of every connection's secrets, whether there is a log or not: see Engine.
void note_secret(const SSL* ssl, const char* line) {
    Engine::note_secret(ssl, line);
    const void* const log = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), key_log_index());
    if (log != nullptr) {
        static_cast<const KeyLog*>(log)->write(line);
    }
}

}  // namespace

std::unexpected<ContextError> incomplete(std::string reason) {
    return std::unexpected(ContextError{Kind::incomplete, {}, std::move(reason)});
}

std::expected<std::string, ContextError> listed(const std::vector<std::string>& protocols) {
    std::string list;
    for (const std::string& each : protocols) {
        if (each.empty() || each.size() > 255) {
            return incomplete("a protocol's name has 1 to 255 octets");
        }
        list += static_cast<char>(each.size());
        list += each;
    }
    return list;
}

// Those that RecordSuite knows.
constexpr const char* suites_of_tls_1_3 =
    "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";

OwnedContext make_context(const SSL_METHOD* method, TlsVersion version_min, bool kernel_tls) {
    OwnedContext context(SSL_CTX_new(method));
    ensure(context != nullptr);
    SSL_CTX* const made = context.get();
    demand_strength(made);
    const int oldest = version_min == TlsVersion::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    ensure(SSL_CTX_set_min_proto_version(made, oldest) == 1);
    ensure(SSL_CTX_set_max_proto_version(made, TLS1_3_VERSION) == 1);
    ensure(SSL_CTX_set_cipher_list(made, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1);
    ensure(SSL_CTX_set_ciphersuites(made, suites_of_tls_1_3) == 1);
    SSL_CTX_set_keylog_callback(made, note_secret);
    ensure(SSL_CTX_set1_groups_list(made, "X25519:P-256:P-384") == 1);
    SSL_CTX_set_options(made, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                  SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
#ifdef SSL_OP_ENABLE_KTLS  // OpenSSL 3, and not all that look like it.
    SSL_CTX_set_options(made, kernel_tls ? SSL_OP_ENABLE_KTLS : 0);
#else
    static_cast<void>(kernel_tls);
#endif
    // An idle connection gives its buffers back; what is to be sealed may lie anywhere.
    SSL_CTX_set_mode(made, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(made, SSL_SESS_CACHE_OFF);
    return context;
}

Loaded log_keys(SSL_CTX* context, const std::string& file) {
    if (file.empty()) {
        return {};
    }
    auto log = std::make_unique<KeyLog>(file);
    if (!log->is_open()) {
        return std::unexpected(ContextError{Kind::unreadable, file, std::strerror(errno)});
    }
    ensure(SSL_CTX_set_ex_data(context, key_log_index(), log.release()) == 1);
    return {};
}

int verified(int is_good, X509_STORE_CTX* verification) {
    if (is_good == 0) {
        const auto* const ssl = static_cast<const SSL*>(
            X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
        const int error = X509_STORE_CTX_get_error(verification);
        std::string why = X509_verify_cert_error_string(error);
        if (const X509* const culprit = X509_STORE_CTX_get_current_cert(verification)) {
            why += ": " + description_of(*culprit);
            why += " at depth " + std::to_string(X509_STORE_CTX_get_error_depth(verification));
        }
        Engine::of(ssl).distrust(flaw_of(error), std::move(why));
    }
    return is_good;
}

}  // namespace sluice::tls
