#include "sluice/runtime/transport.h"

#include <utility>

namespace sluice {

Task<Result<Received>> Transport::receive() {
    for (;;) {
        input_changed_.reset();
        std::optional<Result<Received>> received = try_receive();
        if (received) {
            co_return std::move(*received);
        }
        const bool happened = co_await input_changed_.wait();
        if (!happened) {
            co_return failure(Errc::cancelled, Phase::receive);
        }
    }
}

}  // namespace sluice
