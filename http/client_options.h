// ClientOptions: the limits a client holds itself and its peers to.
//
// Time limits end a wait, never a transfer that makes progress; `never` turns one off. What they
// end is told as timed_out, with the limit's TimeoutKind, unless the answer came with the last
// moment.

#pragma once

#include "sluice/http/limits.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/connector_layer.h"
#include "sluice/runtime/tcp.h"

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace sluice::http {

struct ClientOptions {
    Limits limits = {};  // Of responses.

    // Of a client that connects by itself, over plain TCP.
    TcpConnectorOptions tcp = {};
    // What makes its connections secure, for https URLs: tls::https(). If there is none they are
    // refused, rather than sent in the clear.
    ConnectorLayer https = {};

    // Open connections to one origin, those being opened included; beyond it exchanges wait.
    std::size_t connections_per_origin_max = 256;
    // Exchanges that wait for a connection to one origin; one more is refused.
    std::size_t waiters_per_origin_max = 4096;
    // Connections kept open for the next exchange, over all origins.
    std::size_t idle_connections_max = 1024;
    // 1xx responses before a final one.
    std::size_t interim_responses_max = 64;

    // For a connection's turn when connections_per_origin_max are in use.
    Duration pool_wait_max = std::chrono::seconds(30);
    // Resolving, connecting and securing, together.
    Duration connect_max = std::chrono::seconds(15);
    // For 100 (Continue); after it the content is sent without.
    Duration continue_wait_max = std::chrono::seconds(1);
    // From the request's last octet, or an interim response, to the response's first.
    Duration first_byte_max = std::chrono::seconds(60);
    // Between two arrivals of a response that is being read.
    Duration between_bytes_max = std::chrono::seconds(30);
    // Without any acknowledgement of octets that we sent.
    Duration stall_max = std::chrono::seconds(60);
    // How long an unused connection is kept. Below the servers' own limits: theirs costs a race.
    Duration idle_max = std::chrono::seconds(50);
    // For a whole exchange, from begin() to its end. A request can have its own.
    Duration total_max = never;

    // Response content that fetch() takes into memory.
    std::size_t fetched_octets_max = 64 * 1024 * 1024;
    // Response content that nobody read is read and dropped up to here, so that the connection can
    // be used again; with more than that left, outcome() resets it.
    std::uint64_t drain_octets_max = 256 * 1024;

    // How often a request is sent again because a connection that had been used before turned out
    // to be dead. Only where retry.h allows it, so never with content that cannot be had again.
    std::uint32_t retries_max = 1;
};

}  // namespace sluice::http
