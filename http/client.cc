#include "sluice/http/client.h"

#include "sluice/http/client_pool.h"
#include "sluice/http/octets.h"
#include "sluice/runtime/tcp.h"

#include <span>
#include <utility>

namespace sluice::http {

Client::Client(Loop& loop, Connector& connector, const ClientOptions& options)
    : pool_(std::make_unique<ClientPool>(loop, connector, options)) {
    secure(loop, connector, options);
}

Client::Client(Loop& loop, const ClientOptions& options)
    : own_connector_(std::make_unique<TcpConnector>(loop, options.tcp)),
      pool_(std::make_unique<ClientPool>(loop, *own_connector_, options)) {
    secure(loop, *own_connector_, options);
}

Client::~Client() = default;

void Client::secure(Loop& loop, Connector& connector, const ClientOptions& options) {
    if (options.https) {
        https_connector_ = options.https(loop, connector);
        pool_->connect_https_with(*https_connector_);
    }
}

void Client::observe(OutcomeObserver* observer) noexcept {
    pool_->observe(observer);
}

Exchange Client::begin(const ClientRequest& request) {
    return Exchange(pool_->begin(request));
}

namespace {

// Yields whether the content is whole.
Task<bool> read_content(Exchange& exchange, Response& response, std::size_t octets_max,
                        std::string& content) {
    const Framing framing = response.framing();
    if (framing.kind == Framing::Kind::length && framing.length > octets_max) {
        exchange.abort(Mechanism::sink_error);
        co_return false;
    }
    ByteSource& body = response.body();
    while (true) {
        const sluice::Result<std::span<const std::byte>> octets = co_await body.read();
        if (!octets || octets->empty()) {
            co_return octets.has_value();
        }
        if (octets->size() > octets_max - content.size()) {
            exchange.abort(Mechanism::sink_error);
            co_return false;
        }
        content.append(text_of(*octets));
    }
}

}  // namespace

Task<Fetched> Client::fetch(ClientRequest request) {
    Fetched fetched;
    Exchange exchange = begin(request);
    if (request.content() != nullptr || request.framing().ends_with_head()) {
        sluice::Result<Response> response = co_await exchange.response();
        if (response) {
            fetched.fields = OwnedFields(response->fields());
            const std::size_t octets_max = pool_->options().fetched_octets_max;
            fetched.content_is_whole =
                co_await read_content(exchange, *response, octets_max, fetched.content);
            fetched.trailers = OwnedFields(response->trailers());
        }
    }
    fetched.outcome = co_await exchange.outcome();
    const std::span<const Outcome> attempts = exchange.attempts();
    fetched.attempts.assign(attempts.begin(), attempts.end());
    fetched.message_error = exchange.message_error();
    co_return fetched;
}

Task<> Client::close(Duration patience) {
    return pool_->close(patience);
}

std::size_t Client::connections() const noexcept {
    return pool_->connections();
}

std::size_t Client::idle_connections() const noexcept {
    return pool_->idle_connections();
}

}  // namespace sluice::http
