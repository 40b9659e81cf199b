#include "sluice/runtime/proxy_acceptor.h"

#include "sluice/runtime/combine.h"
#include "sluice/runtime/proxied_transport.h"
#include "sluice/runtime/proxy_header.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace sluice {

namespace {

struct Introduction {
    ProxyHeader header;
    Received first;  // What came behind the header.
};

Task<Result<Introduction>> read_header(Transport& transport, std::size_t octets_max) {
    std::vector<std::byte> earlier;  // Of a header that comes in pieces.
    while (true) {
        Result<Received> piece = co_await transport.receive();
        if (!piece) {
            co_return failed(piece);
        }
        if (piece->empty()) {
            co_return failure(Errc::end_of_stream, Phase::receive, earlier.size());
        }
        const std::size_t before = earlier.size();
        std::span<const std::byte> input = piece->octets();
        if (before > 0) {
            const std::size_t wanted = std::min(input.size(), octets_max - before);
            earlier.insert(earlier.end(), input.begin(),
                           input.begin() + static_cast<std::ptrdiff_t>(wanted));
            input = earlier;
        }
        const Result<std::optional<ProxyHeader>> parsed = parse_proxy_header(input, octets_max);
        if (!parsed) {
            co_return failed(parsed);
        }
        if (*parsed) {
            piece->drop_front((*parsed)->octets - before);
            co_return Introduction{**parsed, std::move(*piece)};
        }
        if (input.size() >= octets_max) {
            co_return failure(Errc::limit_exceeded, Phase::receive, octets_max);
        }
        if (before == 0) {
            earlier.assign(input.begin(), input.end());
        }
    }
}

}  // namespace

ProxyAcceptor::ProxyAcceptor(Loop& loop, Acceptor& beneath, ProxyAcceptorOptions options)
    : PreparingAcceptor(loop, beneath, options.headers_max, options.finishing_max),
      options_(std::move(options)) {}

Task<std::unique_ptr<Transport>> ProxyAcceptor::prepare(std::unique_ptr<Transport> transport) {
    Result<Introduction> introduced = co_await with_timeout(
        options_.header_max, read_header(*transport, options_.header_octets_max));
    if (introduced) {
        const ProxyHeader& header = introduced->header;
        co_return std::make_unique<ProxiedTransport>(
            std::move(transport), std::move(introduced->first), header.client, header.destination);
    }
    if (!is_closing()) {
        ++refused_;
        if (options_.on_refused) {
            options_.on_refused(introduced.error(), transport->peer());
        }
    }
    co_await transport->close(Ending::reset);
    co_return nullptr;
}

}  // namespace sluice
