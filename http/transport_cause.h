// transport_cause: a failure of the transport as the cause of an exchange's end.

#pragma once

#include "sluice/http/cause.h"
#include "sluice/http/outcome.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/transport.h"

namespace sluice::http {

// How the peer's octets ended, by the error that receiving came to, or by what the transport says.
[[nodiscard]] StreamEnd stream_end_of(sluice::Errc code) noexcept;
[[nodiscard]] StreamEnd stream_end_of(PeerEnd end) noexcept;

// Whether TCP, or the network, gave the connection up. Without an errno it is a limit of ours that
// has passed.
[[nodiscard]] bool is_lost(const sluice::Error& error) noexcept;

// What happened, of an end that nobody else explained. The peer has ended.
[[nodiscard]] Mechanism mechanism_of(StreamEnd end) noexcept;
[[nodiscard]] Cause cause_of(PeerEnd end, ExchangePhase phase) noexcept;

// What the outgoing message was at: its head, its content, or done.
[[nodiscard]] ExchangePhase sending_phase_of(const Outcome& outcome) noexcept;

// What TLS, if there is any, made of the connection so far.
void note_tls(const Transport& transport, Outcome& outcome) noexcept;

// A cause that is TLS, in the runtime's words again.
[[nodiscard]] sluice::Error tls_error_of(const Cause& cause) noexcept;

// Why a send failed.
[[nodiscard]] Cause send_cause(const sluice::Error& error, const Outcome& outcome) noexcept;

// Why waiting for input in `phase` failed; `timeout` is what timed_out means there.
[[nodiscard]] Cause receive_cause(const sluice::Error& error, ExchangePhase phase,
                                  TimeoutKind timeout) noexcept;

}  // namespace sluice::http
