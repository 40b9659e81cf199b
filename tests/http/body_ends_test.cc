// How bodies end between this client and this server: what the reader is told of the writer's end,
// and forward() of both.

#include "sluice/http/client.h"
#include "sluice/http/server.h"
#include "sluice/http/verdict.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/counted.h"
#include "sluice/runtime/file.h"
#include "sluice/runtime/forward.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

using http::Outcome;
using http::Request;
using http::Responder;
using http::Verdict;
using simulation::Direction;
using simulation::World;

const std::string url = "http://127.0.0.1/film";

class Kept final : public http::OutcomeObserver {
public:
    void exchange_ended(const Outcome& outcome) override { all.push_back(outcome); }

    std::vector<Outcome> all;
};

using Drive = std::function<Task<>(http::Client&)>;

Task<> listen(http::Server& server) {
    const Result<void> served = co_await server.listen(Endpoint::loopback(80));
    CHECK(served);
}

// Drives a client at a server with this handler. What the server was told is in `kept`.
Task<> serve_while(World& world, http::Handler handler, Drive drive, Kept& kept) {
    http::Server server(world.loop, std::move(handler));
    server.observe(&kept);
    Scope serving(world.loop);
    serving.spawn(listen(server));
    http::Client client(world.loop);
    co_await drive(client);
    co_await client.close();
    server.drain(std::chrono::seconds(1));
    co_await serving.join();
}

std::span<const std::byte> octets_of(const std::string& text) {
    return std::as_bytes(std::span(text));
}

// --- What the reader is told ---

enum class Way : std::uint8_t { finish, abort, destroy, die, vanish };

// How a body is written, framed and left.
struct Writing {
    Way way;
    std::optional<std::uint64_t> length;
};

constexpr std::size_t octets = 20'000;

Task<> write_and_go(ByteSink& body, Way way) {
    const std::string content(octets, 'x');
    const Result<void> written = co_await body.write(octets_of(content));
    CHECK(written);
    co_await sleep_for(std::chrono::seconds(1));  // A reset would overtake what is on its way.
    if (way == Way::abort) {
        body.abort();
    } else if (way == Way::finish) {
        const Result<void> finished = co_await body.finish();
        CHECK(finished);
    } else if (way != Way::destroy) {
        co_await sleep_for(std::chrono::hours(1));  // Until it is found to be gone.
    }
}

Task<> upload(http::Client& client, const Writing& writing) {
    const http::ClientRequest request =
        writing.length ? http::put(url).length(*writing.length) : http::put(url).chunked();
    http::Exchange exchange = client.begin(request);
    co_await write_and_go(exchange.body(), writing.way);
    if (writing.way != Way::destroy) {
        const Outcome outcome = co_await exchange.outcome();
        CHECK((http::verdict_of(outcome) == Verdict::complete) == (writing.way == Way::finish));
    }
}

// Errc::none: the proven end.
Task<Errc> end_of(ByteSource& body) {
    while (true) {
        const Result<std::span<const std::byte>> read = co_await body.read();
        if (!read) {
            co_return read.error().code;
        }
        if (read->empty()) {
            co_return Errc::none;
        }
    }
}

Task<> take_upload(std::optional<Errc>& told, Request& request, Responder& responder) {
    told = co_await end_of(request.body());
    responder.respond(http::Status::created);
}

Task<> send_download(const Writing& writing, Request&, Responder& responder) {
    ByteSink& body = responder.start(http::Status::ok, writing.length);
    co_await write_and_go(body, writing.way);
}

Task<> download(http::Client& client, std::optional<Errc>& told) {
    http::Exchange exchange = client.begin(http::get(url));
    Result<http::Response> response = co_await exchange.response();
    REQUIRE(response);
    told = co_await end_of(response->body());
}

// Who dies leaves the closing to his kernel; who vanishes, to nobody.
simulation::Options world_of(Way way, Direction direction) {
    simulation::Options options;
    if (way == Way::die || way == Way::vanish) {
        const auto kind = way == Way::die ? simulation::CutKind::fin : simulation::CutKind::silence;
        options.cuts = {{.direction = direction, .after_octets = octets / 2, .kind = kind}};
    }
    return options;
}

TEST_CASE("bodies: a reader tells the end, an abort and a dead writer apart, on both sides",
          "[http][body]") {
    const auto [way, code] = GENERATE(table<Way, Errc>({{Way::finish, Errc::none},
                                                        {Way::abort, Errc::reset},
                                                        {Way::destroy, Errc::reset},
                                                        {Way::die, Errc::end_of_stream},
                                                        {Way::vanish, Errc::timed_out}}));
    const bool has_length = GENERATE(true, false);
    CAPTURE(static_cast<int>(way), has_length);
    Writing writing{way, std::nullopt};
    if (has_length) {
        writing.length = octets + (way == Way::finish ? 0 : 1);
    }
    Kept kept;
    std::optional<Errc> of_request;
    simulation::run(world_of(way, Direction::to_server), [&](World& world) {
        return serve_while(
            world,
            [&](Request& request, Responder& responder) {
                return take_upload(of_request, request, responder);
            },
            [&](http::Client& client) { return upload(client, writing); }, kept);
    });
    CHECK(of_request == code);
    std::optional<Errc> of_response;
    simulation::run(world_of(way, Direction::to_client), [&](World& world) {
        return serve_while(
            world,
            [&](Request& request, Responder& responder) {
                return send_download(writing, request, responder);
            },
            [&](http::Client& client) { return download(client, of_response); }, kept);
    });
    CHECK(of_response == code);
}

// --- A file, forwarded into a response ---

constexpr std::size_t film_octets = 3'000'000;
constexpr std::size_t piece_octets = 64 * 1024;

struct Forwarded {
    Passage passage;
    std::uint64_t read = 0;
    Result<std::uint64_t> result;
};

Task<> make_film() {
    Result<File> file = co_await File::create("/film");
    REQUIRE(file);
    const std::string content(film_octets, 'x');
    const Result<void> written = co_await file->write_at(octets_of(content), 0);
    CHECK(written);
}

Task<> send_film(Forwarded& forwarded, FileRange range, bool is_chunked, Responder& responder) {
    co_await make_film();
    const Result<File> file = co_await File::open_to_read("/film");
    REQUIRE(file);
    FileSource film(*file, range, piece_octets);
    CountedSource counted(film);
    ByteSink& body = is_chunked ? responder.start(http::Status::ok)
                                : responder.start(http::Status::ok, range.octets);
    forwarded.result = co_await forward(counted, body, forwarded.passage);
    forwarded.read = counted.octets();
}

// A handler whose client is gone is asked to stop. This one is not.
Task<> send_film_regardless(Forwarded& forwarded, Responder& responder) {
    Under<void> sending = shielded(send_film(forwarded, {0, film_octets}, false, responder));
    co_await sending;
}

Task<> fetch_film(http::Client& client, Outcome& outcome) {
    http::Fetched fetched = co_await client.fetch(http::get(url));
    CHECK_FALSE(fetched.content_is_whole);
    REQUIRE(fetched.attempts.size() == 1);
    outcome = fetched.attempts.front();
}

TEST_CASE("forward: of a file that was cut, the client is told truncation, and how much crossed",
          "[http][body][forward]") {
    const bool is_chunked = GENERATE(false, true);
    CAPTURE(is_chunked);
    Forwarded forwarded;
    Outcome at_client;
    Kept kept;
    simulation::run({}, [&](World& world) {
        return serve_while(
            world,
            [&](Request&, Responder& responder) {
                return send_film(forwarded, {0, film_octets + 1}, is_chunked, responder);
            },
            [&](http::Client& client) { return fetch_film(client, at_client); }, kept);
    });
    CHECK(forwarded.passage.failed == Side::source);
    CHECK(forwarded.passage.octets == film_octets);
    CHECK(forwarded.result == failure(Errc::end_of_stream, Phase::read, film_octets));
    CHECK(http::id(http::verdict_of(at_client)) == "C11");
    CHECK(at_client.receive.end == http::StreamEnd::reset);
    CHECK(at_client.receive.body <= film_octets);
    REQUIRE(kept.all.size() == 1);
    CHECK(http::id(http::verdict_of(kept.all.front())) == "S7");
    CHECK(kept.all.front().send.body_offered == film_octets);
}

Task<> fetch_some(http::Client& client) {
    http::Exchange exchange = client.begin(http::get(url));
    Result<http::Response> response = co_await exchange.response();
    REQUIRE(response);
    const Result<std::span<const std::byte>> some = co_await response->body().read();
    CHECK(some);
}

TEST_CASE("forward: where a client goes, its file is read no further, and what crossed is known",
          "[http][body][forward]") {
    const bool is_stopped = GENERATE(false, true);
    CAPTURE(is_stopped);
    Forwarded forwarded;
    Kept kept;
    simulation::run({}, [&](World& world) {
        return serve_while(
            world,
            [&](Request&, Responder& responder) {
                return is_stopped ? send_film(forwarded, {0, film_octets}, false, responder)
                                  : send_film_regardless(forwarded, responder);
            },
            fetch_some, kept);
    });
    CHECK(forwarded.passage.failed == (is_stopped ? Side::source : Side::sink));
    REQUIRE_FALSE(forwarded.result);
    CHECK(forwarded.result.error().code == (is_stopped ? Errc::cancelled : Errc::reset));
    CHECK(forwarded.result.error().octets_done == forwarded.passage.octets);
    CHECK(forwarded.read < film_octets);
    CHECK(forwarded.read >= forwarded.passage.octets);
    CHECK(forwarded.read - forwarded.passage.octets <= piece_octets);
    REQUIRE(kept.all.size() == 1);
    CHECK(http::id(http::verdict_of(kept.all.front())) == "S9");
    CHECK(kept.all.front().send.body_accepted == forwarded.passage.octets);
}

}  // namespace
}  // namespace sluice::tests
