#include "sluice/tls/send_output.h"

#include <sys/uio.h>

#include <cstdint>
#include <span>

namespace sluice::tls {

Task<Result<void>> send_output(Engine& engine, Transport& beneath) {
    const Output output = engine.take_output();
    iovec part{output.octets().data(), output.size()};
    const Result<std::uint64_t> sent = co_await beneath.send(std::span(&part, 1));
    engine.wire().sent += sent ? *sent : sent.error().octets_done;
    co_return sent ? Result<void>() : failed(sent);
}

}  // namespace sluice::tls
