// play(): one server in a simulated world, and clients that do to it exactly what a test says.
//
// A client is a script: which octets it sends, when it reads, how it goes. What came back, and what
// the server's observer was told, is what the test looks at. When the scripts have ended, the
// server drains; the world then checks that nothing is left: no operation, descriptor or buffer.
//
// Whatever the scene, play() holds the books to what every exchange must keep: no more accepted
// than offered, as many octets in all as the client was sent, and not more received than it sent.

#pragma once

#include "sluice/http/handler.h"
#include "sluice/http/outcome.h"
#include "sluice/http/server_options.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/simulation/options.h"
#include "sluice/runtime/task.h"
#include "sluice/runtime/transport.h"
#include "sluice/tests/support/layers.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace sluice::tests {

struct Send {
    std::string octets;
};

// Reads until that much came since the connection began, or until it ended.
struct Receive {
    std::uint64_t octets;
};
struct ReceiveUntil {
    std::string text;
};
struct ReceiveRest {};
// Reads to the end, a piece at a time.
struct ReceiveSlowly {
    Duration pause;
};
// Sends, and reads what comes meanwhile and then until the end.
struct SendAndReceive {
    std::string octets;
};

struct Wait {
    Duration duration;
};
struct HalfClose {};
struct Close {};  // Without another octet read. Where a script ends without it, it follows.
struct Reset {};
struct Drain {
    Duration patience;
};
struct StopServer {};

using Step = std::variant<Send, Receive, ReceiveUntil, ReceiveRest, ReceiveSlowly, SendAndReceive,
                          Wait, HalfClose, Close, Reset, Drain, StopServer>;
using Script = std::vector<Step>;

struct Scene {
    http::Handler handler;
    std::vector<Script> clients;  // All at once.
    http::ServerOptions options{};
    simulation::Options world{};
    bool wants_rises = false;
    bool is_lossless = true;  // What the server sent arrives, if the client reads to a FIN.
    Layers layers{};
};

struct ClientSaw {
    std::string octets;
    std::uint64_t sent = 0;  // As accepted by the client's kernel.
    PeerEnd end = PeerEnd::none;
    bool read_to_end = false;
    bool connected = true;  // Over layers it may not have been.
};

struct Played {
    std::vector<ClientSaw> clients;
    std::vector<http::Outcome> outcomes;  // In the order in which they were told.
    std::vector<http::Outcome> rises;     // The same, of what was told later.
    Result<void> served;
    Instant served_at = never;  // When serve() had ended.
    std::size_t connections_most = 0;

    // Of a scene with one client: what it was sent, but for the Date fields.
    [[nodiscard]] std::string answers() const;
    // The verdicts, as "S11 S13".
    [[nodiscard]] std::string ids() const;
    // The only outcome there is.
    [[nodiscard]] const http::Outcome& outcome() const;
};

[[nodiscard]] Played play(const Scene& scene);

// The same on a loop of the caller's, whatever its backend: so `scene.world` has no say.
[[nodiscard]] Task<Played> play_on(Loop& loop, Endpoint at, const Scene& scene);

// The octets, but for the Date fields.
[[nodiscard]] std::string without_dates(std::string_view octets);

// "HTTP/1.1 200 OK", the fields in `fields`, each ended by CRLF, Content-Length, and the content.
[[nodiscard]] std::string answer(std::string_view status, std::string_view content,
                                 std::string_view fields = {});
// An answer that says that the connection will be closed.
[[nodiscard]] std::string closing(std::string answer);
// What the server says of a request that it refuses, and of a handler that failed.
[[nodiscard]] std::string refusal(std::string_view status);

// "GET / HTTP/1.1", Host, and the fields in `fields`, each ended by CRLF.
[[nodiscard]] std::string get(std::string_view target = "/", std::string_view fields = {});
// A PUT with as much content as it declares.
[[nodiscard]] std::string put(std::string_view content, std::string_view fields = {});

// Handlers.
[[nodiscard]] Task<> say_hello(http::Request& request, http::Responder& responder);
// Reads everything, and answers with how many octets that was; not at all after an error.
[[nodiscard]] Task<> count_octets(http::Request& request, http::Responder& responder);
// Answers after ten seconds.
[[nodiscard]] Task<> answer_late(http::Request& request, http::Responder& responder);
// Answers with the request's content, as it comes, chunked.
[[nodiscard]] Task<> echo(http::Request& request, http::Responder& responder);

}  // namespace sluice::tests
