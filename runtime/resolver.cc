#include "sluice/runtime/resolver.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/workers.h"

#include <netdb.h>

#include <cerrno>
#include <memory>
#include <optional>

namespace sluice {

namespace {

using Endpoints = std::vector<Endpoint>;

Error error_of(int status, int os_errno) noexcept {
    switch (status) {
        case EAI_SYSTEM: return error_from_errno(os_errno, Phase::resolve);
        case EAI_MEMORY: return {Errc::resources_exhausted, Phase::resolve};
        default: return {Errc::unreachable, Phase::resolve};
    }
}

// Blocks.
Result<Endpoints> look_up(const std::string& host, std::uint16_t port) {
    addrinfo wanted{};
    wanted.ai_family = AF_UNSPEC;
    wanted.ai_socktype = SOCK_STREAM;
    wanted.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    const int status = ::getaddrinfo(host.c_str(), nullptr, &wanted, &found);
    const int os_errno = errno;
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
    if (status != 0) {
        return std::unexpected(error_of(status, os_errno));
    }
    Endpoints endpoints;
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
        const Endpoint endpoint = Endpoint::from(each->ai_addr, each->ai_addrlen);
        if (endpoint.family() != AF_UNSPEC) {
            endpoints.push_back(endpoint.with_port(port));
        }
    }
    if (endpoints.empty()) {
        return failure(Errc::unreachable, Phase::resolve);
    }
    return endpoints;
}

}  // namespace

Task<Result<std::vector<Endpoint>>> resolve(std::string host, std::uint16_t port) {
    if (host.empty() || host.find('\0') != std::string::npos) {
        co_return failure(Errc::invalid, Phase::resolve);
    }
    if (host == "localhost") {
        co_return Endpoints{Endpoint::loopback(port), *Endpoint::parse_address("::1", port)};
    }
    if (const std::optional<Endpoint> numeric = Endpoint::parse_address(host, port)) {
        co_return Endpoints{*numeric};
    }
    const Context context = co_await this_task();
    if (context.loop->backend().name() == "simulated") {
        co_return failure(Errc::unreachable, Phase::resolve);
    }
    const auto asking = [&host, port] { return look_up(host, port); };
    Result<Endpoints> endpoints = co_await offload(asking);
    co_return endpoints;
}

}  // namespace sluice
