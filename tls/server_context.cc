#include "sluice/runtime/ensure.h"
#include "sluice/tls/context.h"
#include "sluice/tls/context_common.h"
#include "sluice/tls/openssl_objects.h"
#include "sluice/tls/peer_certificate.h"
#include "sluice/tls/server_certificate.h"
#include "sluice/tls/ticket_keys.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

namespace sluice::tls {

namespace {

std::string lower_case(std::string_view name) {
    std::string lower(name);
    std::ranges::transform(lower, lower.begin(), [](char each) {
        return each >= 'A' && each <= 'Z' ? static_cast<char>(each - 'A' + 'a') : each;
    });
    return lower;
}

// What the callbacks of one SSL_CTX need, which is freed with it.
struct Serving {
    [[nodiscard]] static int index();
    [[nodiscard]] static Serving& of(const SSL* ssl) {
        return *static_cast<Serving*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), index()));
    }

    [[nodiscard]] std::optional<ServerCertificate> certificate_for(std::string_view name) const;

    std::string protocols;
    CertificateChooser choose;
    std::map<std::string, ServerCertificate, std::less<>> named;
    std::optional<ServerCertificate> of_others;
    std::shared_ptr<TicketKeys> ticket_keys;
};

// NOLINTNEXTLINE(readability-function-size): how many arguments it takes, OpenSSL says.
void free_serving(void*, void* serving, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<Serving*>(serving);
}

int Serving::index() {
    static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_serving);
    return index;
}

std::optional<ServerCertificate> Serving::certificate_for(std::string_view name) const {
    if (choose) {
        if (std::optional<ServerCertificate> chosen = choose(name)) {
            return chosen;
        }
    }
    auto found = named.find(name);
    if (found == named.end()) {
        const std::size_t dot = name.find('.');
        found = dot == std::string_view::npos || dot == 0
                    ? named.end()
                    : named.find("*" + std::string(name.substr(dot)));
    }
    return found != named.end() ? std::optional(found->second) : of_others;
}

int choose_certificate(SSL* ssl, int* alert, void*) noexcept {
    const char* const asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const std::optional<ServerCertificate> chosen =
        Serving::of(ssl).certificate_for(lower_case(asked != nullptr ? asked : ""));
    if (!chosen) {
        *alert = SSL_AD_UNRECOGNIZED_NAME;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    if (!chosen->show_by(ssl)) {
        *alert = SSL_AD_INTERNAL_ERROR;
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    return SSL_TLSEXT_ERR_OK;
}

int staple(SSL* ssl, void*) {
    const unsigned char* response = nullptr;
    const bool is_there = SSL_get_tlsext_status_ocsp_resp(ssl, static_cast<void*>(&response)) > 0;
    return is_there ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

// NOLINTNEXTLINE(readability-function-size): the same.
int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_octets,
                    const unsigned char* offered, unsigned offered_octets, void*) {
    const std::string& list = Serving::of(ssl).protocols;
    const auto* const known = reinterpret_cast<const unsigned char*>(list.data());
    unsigned char* found = nullptr;
    const int result = SSL_select_next_proto(
        &found, chosen_octets, known, static_cast<unsigned>(list.size()), offered, offered_octets);
    *chosen = found;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// NOLINTNEXTLINE(readability-function-size): the same.
int use_ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                   EVP_MAC_CTX* mac, int is_to_seal) {
    TicketKeys& keys = *Serving::of(ssl).ticket_keys;
    if (is_to_seal != 0) {
        return keys.begin_to_seal(name, iv, cipher, mac) ? 1 : -1;
    }
    switch (keys.begin_to_open(name, iv, cipher, mac)) {
        case TicketKeys::Known::no: return 0;
        // A ticket of TLS 1.3 is used once (RFC 8446 C.4): with a connection goes the next one.
        case TicketKeys::Known::newest: return SSL_version(ssl) == TLS1_3_VERSION ? 2 : 1;
        case TicketKeys::Known::older: return 2;  // The client gets a newer ticket.
    }
    return 0;
}

// Who resumes does not show a certificate again: a client's is held to its time here.
// NOLINTNEXTLINE(readability-function-size): the same.
SSL_TICKET_RETURN take_session(SSL*, SSL_SESSION* session, const unsigned char*, std::size_t,
                               SSL_TICKET_STATUS status, void*) {
    const bool is_known = status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW;
    if (!is_known || peer_has_expired(*session)) {
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    }
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

// A session belongs to those who ask the same of their clients, and trust the same to vouch for
// them: another would be resumed without what it should have shown.
void confine_sessions(SSL_CTX* context, ClientCertificate asked) {
    std::string what(1, static_cast<char>(asked));
    const STACK_OF(X509_OBJECT)* const roots =
        X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned octets = 0;
    for (int index = 0; index < sk_X509_OBJECT_num(roots); ++index) {
        const X509* const root = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(roots, index));
        ensure(X509_digest(root, EVP_sha256(), digest.data(), &octets) == 1);
        what.append(reinterpret_cast<const char*>(digest.data()), octets);
    }
    ensure(EVP_Digest(what.data(), what.size(), digest.data(), &octets, EVP_sha256(), nullptr) ==
           1);
    ensure(SSL_CTX_set_session_id_context(context, digest.data(), octets) == 1);
}

Loaded ask_clients(SSL_CTX* context, const ServerOptions& options) {
    if (options.client_certificate == ClientCertificate::ignored) {
        return {};
    }
    if (options.client_trust_file.empty()) {
        return incomplete("nobody vouches for clients: client_trust_file is empty");
    }
    Loaded loaded = load_roots(context, options.client_trust_file);
    if (loaded) {
        SSL_CTX_set_client_CA_list(context,
                                   SSL_load_client_CA_file(options.client_trust_file.c_str()));
        const bool must = options.client_certificate == ClientCertificate::required;
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (must ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                           verified);
    }
    return loaded;
}

Loaded load_certificates(const ServerOptions& options, Serving& serving) {
    const Identity& others = options.identity;
    const bool is_for_others = !(others.certificate_file.empty() && others.key_file.empty());
    if (is_for_others || (options.named.empty() && !options.choose)) {
        const auto loaded = ServerCertificate::load(others);
        if (!loaded) {
            return std::unexpected(loaded.error());
        }
        serving.of_others = *loaded;
    }
    for (const NamedIdentity& each : options.named) {
        if (each.name.empty() || each.name.find('*', 1) != std::string::npos ||
            (each.name.front() == '*' && !each.name.starts_with("*."))) {
            return incomplete("no name of a server: '" + each.name + "'");
        }
        const auto loaded = ServerCertificate::load(each.identity);
        if (!loaded) {
            return std::unexpected(loaded.error());
        }
        serving.named.insert_or_assign(lower_case(each.name), *loaded);
    }
    serving.choose = options.choose;
    return {};
}

std::expected<std::shared_ptr<SSL_CTX>, ContextError> make(
    const ServerOptions& options, const std::shared_ptr<TicketKeys>& ticket_keys) {
    OwnedContext made = make_context(TLS_server_method(), options.version_min, options.kernel_tls);
    SSL_CTX* const context = made.get();
    auto serving = std::make_unique<Serving>();
    serving->ticket_keys = ticket_keys;
    Loaded loaded = load_certificates(options, *serving);
    if (loaded && serving->of_others) {
        ensure(serving->of_others->show_by(context));
    }
    if (loaded) {
        loaded = ask_clients(context, options);
    }
    if (loaded) {
        loaded = log_keys(context, options.key_log_file);
    }
    std::expected<std::string, ContextError> protocols = listed(options.protocols);
    if (!loaded || !protocols) {
        return std::unexpected(loaded ? protocols.error() : loaded.error());
    }
    serving->protocols = std::move(*protocols);
    if (!serving->protocols.empty()) {
        SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
    }
    SSL_CTX_set_tlsext_servername_callback(context, choose_certificate);
    SSL_CTX_set_tlsext_status_cb(context, staple);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, use_ticket_key);
    ensure(SSL_CTX_set_session_ticket_cb(context, nullptr, take_session, nullptr) == 1);
    confine_sessions(context, options.client_certificate);
    ensure(SSL_CTX_set_ex_data(context, Serving::index(), serving.release()) == 1);
    return std::shared_ptr<SSL_CTX>(std::move(made));
}

}  // namespace

struct ServerContext::State {
    explicit State(const ServerOptions& wanted)
        : options(wanted), ticket_keys(std::make_shared<TicketKeys>(wanted.ticket_key_period)) {}

    const ServerOptions options;
    const std::shared_ptr<TicketKeys> ticket_keys;
    std::mutex mutex;  // Of what follows.
    std::shared_ptr<SSL_CTX> current;
};

ServerContext::ServerContext(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}

std::expected<ServerContext, ContextError> ServerContext::create(const ServerOptions& options) {
    ServerContext created(std::make_shared<State>(options));
    const std::expected<void, ContextError> loaded = created.reload();
    if (!loaded) {
        return std::unexpected(loaded.error());
    }
    return created;
}

std::expected<void, ContextError> ServerContext::reload() const {
    std::expected<std::shared_ptr<SSL_CTX>, ContextError> made =
        make(state_->options, state_->ticket_keys);
    if (!made) {
        return std::unexpected(made.error());
    }
    const std::string& key_file = state_->options.ticket_key_file;
    if (!key_file.empty()) {
        Loaded loaded = state_->ticket_keys->load(key_file);
        if (!loaded) {
            return loaded;
        }
    }
    const std::lock_guard lock(state_->mutex);
    state_->current.swap(*made);
    return {};
}

const std::string& ServerContext::store() const noexcept {
    return state_->options.client_trust_file;
}

void ServerContext::tick(Instant now) const {
    state_->ticket_keys->tick(now);
}

std::shared_ptr<ssl_ctx_st> ServerContext::native() const {
    const std::lock_guard lock(state_->mutex);
    return state_->current;
}

}  // namespace sluice::tls
