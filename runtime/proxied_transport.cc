#include "sluice/runtime/proxied_transport.h"

#include <utility>

namespace sluice {

namespace {

const Endpoint& either(const Endpoint& told, const Endpoint& seen) noexcept {
    return told.family() == AF_UNSPEC ? seen : told;
}

}  // namespace

ProxiedTransport::ProxiedTransport(std::unique_ptr<Transport> beneath, Received first,
                                   const Endpoint& client, const Endpoint& destination)
    : beneath_(std::move(beneath)),
      first_(std::move(first)),
      local_(either(destination, beneath_->local())),
      peer_(either(client, beneath_->peer())) {
    input_relay_.emplace(beneath_->input_changed(), input_changed());
}

std::optional<Result<Received>> ProxiedTransport::try_receive() noexcept {
    if (!first_.empty()) {
        return std::exchange(first_, Received());
    }
    return beneath_->try_receive();
}

Task<> ProxiedTransport::close(Ending ending) {
    first_.let_go();
    input_relay_.reset();  // Closing waits for its event itself.
    co_await beneath_->close(ending);
}

}  // namespace sluice
