#include "sluice/tls/https.h"

#include "sluice/runtime/ensure.h"
#include "sluice/tls/connector.h"

#include <expected>
#include <memory>
#include <utility>

namespace sluice::tls {

ConnectorLayer https() {
    std::expected<ClientContext, ContextError> context = ClientContext::create();
    ensure(context.has_value());  // Only a file could be wrong with it.
    return https(std::move(*context));
}

ConnectorLayer https(ClientContext context, HandshakeObserver* observer,
                     const TlsConnectorOptions& options) {
    return [context = std::move(context), observer, options](Loop& loop, Connector& beneath) {
        auto connector = std::make_unique<TlsConnector>(loop, beneath, context, options);
        connector->observe(observer);
        return connector;
    };
}

}  // namespace sluice::tls
