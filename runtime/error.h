// Error: everything that can go wrong below HTTP and TLS, as one small value.
//
// Errors are values, never exceptions. `code` says what a caller can do about it, `phase` what was
// being done, `os_errno` what the kernel said, and `octets_done` how far it had got: progress is
// never lost to an error. Two errors are equal when a caller would treat them alike.

#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace sluice {

enum class Errc : std::uint8_t {
    none,                 // No error: an Error that is only a placeholder.
    cancelled,            // We asked the operation to stop, and it did.
    timed_out,            // A time limit passed first.
    refused,              // Nobody listens there.
    unreachable,          // No route, no such host, or no answer on the way.
    reset,                // The peer, or the path to it, dropped the connection.
    end_of_stream,        // The peer closed its half where more octets were required.
    aborted,              // The other end of an in-process stream gave up.
    abandoned,            // The other end of an in-process stream was destroyed unfinished.
    closed,               // Used after it was finished, aborted or closed.
    not_found,            // No such file or directory.
    exists,               // It is there already.
    denied,               // Permissions forbid it.
    no_space,             // The disk, or a quota on it, is full.
    input_output,         // The device failed.
    resources_exhausted,  // Descriptors, memory or ring entries ran out. Later may work.
    limit_exceeded,       // A bound that the application set.
    unsupported,          // This kernel, file system or backend cannot do it.
    invalid,              // The request made no sense: an argument of ours or of the application.
    malformed,            // What the peer sent is not of the protocol that was expected of it.
    cut_short,            // TCP's FIN came before the end that TLS demands (close_notify).
    alert_received,       // The peer's TLS gave up: Error::tls is the Alert that says why.
    alert_sent,           // Our TLS gave up on what the peer sent: Error::tls is our Alert.
    untrusted,            // The peer's certificate does not hold: Error::tls is its Flaw.
    unexpected,           // An errno this table does not name: see os_errno.
};

// What was being done.
enum class Phase : std::uint8_t {
    none,
    resolve,
    connect,
    secure,
    listen,
    accept,
    receive,
    send,
    shut_down,
    open,
    read,
    write,
    sync,
    rename,
    remove,
    wait,
};

struct Error {
    Errc code = Errc::none;
    Phase phase = Phase::none;
    std::uint8_t tls = 0;       // Where `code` says so: an Alert, or a Flaw (security.h).
    std::int32_t os_errno = 0;  // The positive errno behind `code`; 0 when no kernel was involved.
    std::uint64_t octets_done = 0;  // What the operation had moved before it failed.

    friend constexpr bool operator==(const Error& left, const Error& right) noexcept {
        return left.code == right.code;
    }
};

template <typename T>
using Result = std::expected<T, Error>;

// Maps a positive errno. Total: an errno without a row becomes Errc::unexpected.
[[nodiscard]] Error error_from_errno(int os_errno, Phase phase,
                                     std::uint64_t octets_done = 0) noexcept;

// A fixed phrase for logs. Its wording is not part of the interface.
[[nodiscard]] std::string_view describe(Errc code) noexcept;
[[nodiscard]] std::string_view describe(Phase phase) noexcept;

// One line for a person: phase, phrase, errno, progress.
[[nodiscard]] std::string describe(const Error& error);

// Passes a failure up: `if (!head) { co_return failed(head); }`
template <typename T, typename E>
[[nodiscard]] constexpr std::unexpected<E> failed(const std::expected<T, E>& result) {
    return std::unexpected(result.error());
}

[[nodiscard]] constexpr std::unexpected<Error> failure(Errc code, Phase phase,
                                                       std::uint64_t octets_done = 0) noexcept {
    return std::unexpected(Error{code, phase, 0, 0, octets_done});
}

}  // namespace sluice
