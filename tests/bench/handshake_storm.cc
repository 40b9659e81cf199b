#include "sluice/tests/bench/handshake_storm.h"

#include "sluice/http/client.h"
#include "sluice/http/request.h"
#include "sluice/http/server.h"
#include "sluice/http/verdict.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/block_on.h"
#include "sluice/runtime/ensure.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/security.h"
#include "sluice/runtime/tcp.h"
#include "sluice/tests/tls/certificates.h"
#include "sluice/tls/acceptor.h"
#include "sluice/tls/context.h"
#include "sluice/tls/engine.h"
#include "sluice/tls/https.h"
#include "sluice/tls/openssl_objects.h"

#include <malloc.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

namespace sluice::tests {

namespace {

using Connected = Result<std::unique_ptr<Transport>>;

Held held_now() {
    const struct mallinfo2 heap = ::mallinfo2();
    std::ifstream statm("/proc/self/statm");
    std::size_t all_pages = 0;
    std::size_t resident_pages = 0;
    statm >> all_pages >> resident_pages;
    return {heap.uordblks + heap.hblkhd,
            resident_pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))};
}

std::size_t open_descriptors() {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                      std::filesystem::directory_iterator()));
}

// What a client of OpenSSL's says first.
std::string hello_of(SSL_CTX* context) {
    tls::OwnedSsl ssl(SSL_new(context));
    SSL_set_connect_state(ssl.get());
    tls::Engine engine(std::move(ssl));
    ensure(engine.handshake() == tls::Step::wants_input);
    const std::span<const std::byte> octets = engine.output().octets();
    return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

std::string hello_of_tls_1_1() {
    const tls::OwnedContext context(SSL_CTX_new(TLS_client_method()));
    ensure(SSL_CTX_set_min_proto_version(context.get(), TLS1_1_VERSION) == 1);
    ensure(SSL_CTX_set_max_proto_version(context.get(), TLS1_1_VERSION) == 1);
    ensure(SSL_CTX_set_cipher_list(context.get(), "ALL:@SECLEVEL=0") == 1);
    return hello_of(context.get());
}

// What a hostile connection does once it has said its octets and heard something.
enum class Then { reads, ends, resets };

struct Hostile {
    std::string says;
    Then then = Then::reads;
    std::string failure;  // What the server is to say of it.
};

std::string text_of(const tls::HandshakeFailure& failure) {
    std::string text(describe(failure.error.phase));
    text += ": ";
    text += describe(failure.error.code);
    if (failure.error.code == Errc::alert_sent || failure.error.code == Errc::alert_received) {
        text += ", ";
        text += name(static_cast<Alert>(failure.error.tls));
    }
    return failure.explanation.empty() ? text : text + ": " + failure.explanation;
}

class Failures final : public tls::HandshakeObserver {
public:
    explicit Failures(std::map<std::string, std::size_t>& into) noexcept : into_(into) {}
    void handshake_failed(const tls::HandshakeFailure& failure) noexcept override {
        ++into_[text_of(failure)];
    }

private:
    std::map<std::string, std::size_t>& into_;
};

Task<> answer(StormReport& report, http::Request& request, http::Responder& responder) {
    report.resumed += request.security()->is_resumed ? 1U : 0U;
    responder.respond(http::Status::ok, "hello\n");
    co_return;
}

Task<> serve(http::Server& server, Acceptor& acceptor) {
    const Result<void> served = co_await server.serve(acceptor);
    ensure(served.has_value());
}

// One server, and the clients that come to it.
class Stage {
public:
    Stage(Loop& loop, const Storm& wanted, StormReport& report)
        : loop_(loop), wanted_(wanted), report_(report) {}

    Task<> play();

private:
    Task<> rush(std::size_t connections, std::size_t at_once);
    Task<> come(http::Client& client);
    Task<> ask(http::Client& client);
    Task<> attack(const Hostile& hostile);
    Task<> be_quiet(const http::Server& server, const tls::TlsAcceptor& acceptor);
    void note_most();

    Loop& loop_;
    const Storm& wanted_;
    StormReport& report_;
    Authority authority_;
    Certified certified_ = authority_.certify({}, "server");
    tls::ClientContext trusting_ =
        tls::ClientContext::create({.trust_file = authority_.root_file()}).value();
    std::array<Hostile, 5> hostile_ = {{
        {std::string(100, '\x5a'), Then::reads,
         "secure: not what the protocol allows: wrong version number"},
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", Then::reads,
         "secure: not what the protocol allows: http request"},
        {hello_of_tls_1_1(), Then::reads,
         "secure: we ended TLS with an alert, protocol_version: unsupported protocol"},
        {hello_of(trusting_.native()), Then::ends,
         "secure: cut short: the stream ended without TLS's close_notify"},
        {hello_of(trusting_.native()), Then::resets, "secure: connection reset"},
    }};
    std::string url_;
    std::uint16_t port_ = 0;
    std::size_t left_ = 0;
};

Task<> Stage::ask(http::Client& client) {
    ++report_.honest;
    http::Exchange exchange = client.begin(http::get(url_).close_connection());
    Result<http::Response> response = co_await exchange.response();
    const bool is_ok = response && response->status() == http::Status::ok;
    const http::Outcome outcome = co_await exchange.outcome();
    const bool is_complete = http::verdict_of(outcome) == http::Verdict::complete;
    report_.answered += is_ok && is_complete ? 1U : 0U;
}

Task<> Stage::attack(const Hostile& hostile) {
    ++report_.hostile[hostile.failure];
    TcpConnector connector(loop_);
    ConnectTimes times;
    const Connected connected = co_await connector.connect("127.0.0.1", port_, times);
    ensure(connected.has_value());
    Transport& transport = **connected;
    std::string says = hostile.says;
    iovec part{says.data(), says.size()};
    std::ignore = co_await transport.send(std::span(&part, 1));
    Result<Received> heard = co_await transport.receive();
    if (hostile.then == Then::resets) {
        co_await transport.close(Ending::reset);
        co_return;
    }
    if (hostile.then == Then::ends) {
        std::ignore = co_await transport.shut_down_sending();
    }
    while (heard && !heard->empty()) {
        heard = co_await transport.receive();
    }
    co_await transport.close(Ending::orderly);
}

Task<> Stage::come(http::Client& client) {
    while (left_ > 0) {
        const std::size_t number = left_--;
        if (number % wanted_.hostile_one_in == 0) {
            co_await attack(hostile_[number / wanted_.hostile_one_in % hostile_.size()]);
        } else {
            co_await ask(client);
        }
        if (number % 64 == 0) {
            note_most();
        }
    }
}

void Stage::note_most() {
    const Held now = held_now();
    report_.most.heap_octets = std::max(report_.most.heap_octets, now.heap_octets);
    report_.most.resident_octets = std::max(report_.most.resident_octets, now.resident_octets);
}

Task<> Stage::rush(std::size_t connections, std::size_t at_once) {
    http::ClientOptions options;
    options.https = tls::https(trusting_, nullptr, {.session_origins_max = 0});
    options.connections_per_origin_max = at_once;
    http::Client client(loop_, options);
    left_ = connections;
    Scope coming(loop_);
    for (std::size_t each = 0; each < at_once; ++each) {
        coming.spawn(come(client));
    }
    co_await coming.join();
    co_await client.close();
}

// Until the server has noticed that all have gone.
Task<> Stage::be_quiet(const http::Server& server, const tls::TlsAcceptor& acceptor) {
    while (server.connections() > 0 || acceptor.handshakes() > 0) {
        co_await yield();
    }
}

Task<> Stage::play() {
    const auto context = tls::ServerContext::create({.identity = certified_.files});
    const auto beneath = TcpAcceptor::listen(loop_, Endpoint::loopback(0)).value();
    tls::TlsAcceptor acceptor(loop_, *beneath, context.value());
    Failures failures(report_.failures);
    acceptor.observe(&failures);
    http::Server server(loop_, [this](http::Request& request, http::Responder& responder) {
        return answer(report_, request, responder);
    });
    Scope serving(loop_);
    serving.spawn(serve(server, acceptor));
    port_ = acceptor.local().port();
    url_ = "https://127.0.0.1:" + std::to_string(port_) + "/";

    co_await rush(wanted_.warming_up, 2 * wanted_.at_once);
    co_await be_quiet(server, acceptor);
    report_ = StormReport();
    report_.warm = held_now();

    const auto begun = std::chrono::steady_clock::now();
    co_await rush(wanted_.connections, wanted_.at_once);
    co_await be_quiet(server, acceptor);
    report_.took = std::chrono::steady_clock::now() - begun;
    report_.after = held_now();
    note_most();
    server.drain(Duration::zero());
    co_await serving.join();
}

}  // namespace

StormReport storm(const Storm& wanted) {
    const std::size_t descriptors = open_descriptors();
    StormReport report;
    {
        const OwnedBackend backend = make_backend(wanted.backend).value();
        Loop loop(*backend);
        Stage stage(loop, wanted, report);
        block_on(loop, stage.play());
    }
    report.descriptors_left = open_descriptors() - descriptors;
    return report;
}

}  // namespace sluice::tests
