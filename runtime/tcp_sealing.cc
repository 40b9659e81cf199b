// What a TcpTransport sends once its kernel makes TLS records of it.

#include "sluice/runtime/tcp.h"

#include "sluice/runtime/combine.h"
#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace sluice {

namespace {

constexpr std::uint64_t record_octets_max = std::uint64_t{16} * 1024;

// How many octets TCP was given, from an origin of its own, while it is given none: what is
// acknowledged between two questions comes to its end.
std::uint64_t given_to_tcp(Backend& backend, int fd) noexcept {
    SocketState before = backend.socket_state(fd);
    SocketState after = backend.socket_state(fd);
    while (before.acknowledged != after.acknowledged) {
        before = std::exchange(after, backend.socket_state(fd));
    }
    return before.acknowledged + before.unacknowledged;
}

}  // namespace

KernelSealing* TcpTransport::seal_in_kernel(const SealingKeys& keys) {
    ensure(!sending_);
    ensure(sealing_ == nullptr);
    if (!fin_sent_ && !is_local() && loop_.backend().seal(fd_, keys)) {
        const std::uint64_t given = given_to_tcp(loop_.backend(), fd_);
        sealing_ = std::make_unique<Sealing>(*this, keys, given);
    }
    return sealing_.get();
}

TcpTransport::Sealing::Sealing(TcpTransport& transport, const SealingKeys& keys,
                               std::uint64_t given_before) noexcept
    : transport_(transport),
      first_record_(keys.next_record()),
      overhead_octets_(keys.overhead_octets()),
      sent_before_(transport.sent_),
      given_before_(given_before) {}

// One call's octets fill records, but for the last; where memory is short, the kernel makes more.
void TcpTransport::Sealing::has_accepted(std::uint64_t octets) noexcept {
    records_at_least_ += (octets + record_octets_max - 1) / record_octets_max;
}

std::uint64_t TcpTransport::Sealing::held_back(const SocketState& state) noexcept {
    const std::optional<std::uint64_t> next =
        transport_.loop_.backend().next_record(transport_.fd_);
    if (!next) {
        return unacknowledged_unknown;
    }
    records_seen_ = *next - first_record_;
    const std::uint64_t sealed = transport_.sent_ - sent_before_ + records_seen_ * overhead_octets_;
    const std::uint64_t given = state.acknowledged + state.unacknowledged - given_before_;
    return sealed - std::min(sealed, given);
}

// No event tells when the kernel holds back nothing more; it goes with the peer's next
// acknowledgements.
Task<Result<void>> TcpTransport::Sealing::send_record(std::uint8_t type,
                                                      std::span<const std::byte> octets) {
    constexpr Duration pause_max = std::chrono::milliseconds(10);
    const RecordType record_type(type);
    iovec part{const_cast<std::byte*>(octets.data()), octets.size()};
    const Result<std::uint64_t> sent =
        co_await transport_.send_as(&record_type, std::span(&part, 1));
    if (!sent) {
        co_return failed(sent);
    }
    Duration pause = std::chrono::milliseconds(1);
    for (;;) {
        const SocketState state = transport_.loop_.backend().socket_state(transport_.fd_);
        if (is_gone(transport_.peer_end_) || state.closed) {
            const int os_errno = transport_.ask_why_gone();
            co_return std::unexpected(error_from_errno(os_errno, Phase::send));
        }
        if (held_back(state) == 0) {
            co_return Result<void>();
        }
        const bool passed = co_await sleep_for(pause);
        if (!passed) {
            co_return failure(Errc::cancelled, Phase::send);
        }
        pause = std::min(2 * pause, pause_max);
    }
}

}  // namespace sluice
