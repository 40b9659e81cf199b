// socket_calls: what the kernel's backends ask of a socket without waiting.

#pragma once

#include "sluice/runtime/backend.h"
#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/sealing_keys.h"

#include <cstdint>
#include <optional>

namespace sluice::socket_calls {

[[nodiscard]] Result<int> open(int family) noexcept;
[[nodiscard]] Result<int> listen(const Endpoint& at, const ListenOptions& options) noexcept;
void configure(int fd, const SocketOptions& options) noexcept;
[[nodiscard]] Endpoint local_endpoint(int fd) noexcept;
[[nodiscard]] Endpoint peer_endpoint(int fd) noexcept;
void shut_down_sending(int fd) noexcept;
[[nodiscard]] SocketState state(int fd) noexcept;
[[nodiscard]] bool is_closed(int fd) noexcept;
[[nodiscard]] int take_error(int fd) noexcept;

// Kernel TLS. A kernel that has none is asked once in the life of a process: it would look for its
// module each time.
[[nodiscard]] bool seal(int fd, const SealingKeys& keys) noexcept;
[[nodiscard]] std::optional<std::uint64_t> next_record(int fd) noexcept;

// Calls on it answer EAGAIN instead of waiting.
void never_block(int fd) noexcept;

// The next close drops what was not sent and sends a reset.
void reset_on_close(int fd) noexcept;

}  // namespace sluice::socket_calls
