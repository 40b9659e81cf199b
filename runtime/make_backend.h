// make_backend: the backend that this machine offers, or that was asked for.
//
// io_uring, or epoll where io_uring is forbidden or absent.
//
// Ownership:    The caller's. It outlives its Loop.
// Errors:       What the kernel answered; `invalid` for a name that is none.
// Threading:    On the thread that will run the loop.

#pragma once

#include "sluice/runtime/backend.h"
#include "sluice/runtime/error.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sluice {

enum class BackendKind : std::uint8_t { automatic, io_uring, epoll };

using OwnedBackend = std::unique_ptr<Backend, void (*)(Backend*)>;

// Reads "auto", "io_uring", "epoll".
[[nodiscard]] Result<BackendKind> parse_backend_kind(std::string_view name);

// Where `kind` is automatic, the environment's SLUICE_BACKEND has a say, if it is set.
[[nodiscard]] Result<OwnedBackend> make_backend(BackendKind kind = BackendKind::automatic);

// One line for a person who asked for `kind` and got `error`.
[[nodiscard]] std::string describe_backend_failure(BackendKind kind, const Error& error);

}  // namespace sluice
