// ServerOptions: the limits a server holds its peers to.
//
// Each has a default that suits a server open to the world. Time limits end a wait, never a
// transfer that makes progress; `never` turns one off.

#pragma once

#include "sluice/http/limits.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/tcp.h"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::http {

struct ServerOptions {
    Limits limits{};

    // Of a server that listens by itself.
    TcpAcceptorOptions tcp{};

    // Open connections of one server; beyond it new ones wait in the kernel's queue.
    std::size_t connections_max = 100'000;

    // From the connection's beginning, or from the last response, to the next request's first
    // octet. Passing it closes the connection without a word.
    Duration idle_max = std::chrono::seconds(75);
    // From a request's first octet to the end of its head. Passing it is answered with 408.
    Duration head_max = std::chrono::seconds(30);
    // Between two arrivals of request content. The handler's read then fails with timed_out.
    Duration content_pause_max = std::chrono::seconds(30);
    // Without any acknowledgement of octets that we sent. Passing it resets the connection.
    Duration stall_max = std::chrono::seconds(60);

    // Request content that a handler left unread is read and dropped up to these, so that the
    // connection can serve the next request; with more than that left, it is closed.
    std::uint64_t drain_octets_max = 256 * 1024;
    Duration drain_max = std::chrono::seconds(5);
    // After our last response, input is read and dropped until the client has closed, or up to
    // these: closing with unread input would destroy octets that the client has not read.
    std::uint64_t linger_octets_max = 8 * 1024 * 1024;
    Duration linger_max = std::chrono::seconds(5);

    // Whether a client that shuts down its sending is taken to be gone. RFC 9112 9.6 lets it only
    // say that no more requests follow, and it still gets its responses.
    bool fin_is_gone = false;
};

}  // namespace sluice::http
