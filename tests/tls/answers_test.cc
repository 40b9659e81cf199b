// Of what OpenSSL says by itself, to a peer that asks it to, while nobody sends: here to one that
// wants to negotiate again, as TLS 1.2 had it.

#include "sluice/runtime/await.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/run.h"
#include "sluice/tests/tls/engines.h"
#include "sluice/tls/transport.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using std::chrono::seconds;
using tests::Engines;
using tls::Engine;
using tls::Step;

// What is beneath: takes what it is sent, but while it is full.
class Pipe final : public Transport {
public:
    void fill() noexcept { room_.reset(); }
    void make_room() noexcept { room_.set(); }
    void say(std::span<const std::byte> octets) {
        input_ = tests::lent(octets);
        input_changed().set();
    }
    [[nodiscard]] const std::string& sent() const noexcept { return sent_; }
    [[nodiscard]] bool is_sending() const noexcept { return is_sending_; }

    [[nodiscard]] std::optional<Result<Received>> try_receive() noexcept override {
        return input_.empty() ? std::nullopt : std::optional<Result<Received>>(std::move(input_));
    }
    Task<Result<std::uint64_t>> send(std::span<iovec> parts) override {
        CHECK_FALSE(std::exchange(is_sending_, true));
        const bool has_room = co_await room_.wait();
        is_sending_ = false;
        if (!has_room) {
            co_return failure(Errc::cancelled, Phase::send);
        }
        std::uint64_t octets = 0;
        for (const iovec& part : parts) {
            sent_.append(static_cast<const char*>(part.iov_base), part.iov_len);
            octets += part.iov_len;
        }
        co_return octets;
    }
    Task<Result<void>> shut_down_sending() override {
        CHECK_FALSE(is_sending_);
        co_return Result<void>();
    }
    Task<Result<void>> acknowledged() override { co_return Result<void>(); }
    Task<> close(Ending) override {
        CHECK_FALSE(is_sending_);
        co_return;
    }
    [[nodiscard]] PeerEnd peer_end() const noexcept override { return PeerEnd::none; }
    void listen_for_peer_end(PeerEndListener*) noexcept override {}
    [[nodiscard]] SocketState state() noexcept override { return {}; }
    [[nodiscard]] const Endpoint& local() const noexcept override { return nowhere_; }
    [[nodiscard]] const Endpoint& peer() const noexcept override { return nowhere_; }

private:
    Event room_;
    Received input_;
    std::string sent_;
    bool is_sending_ = false;
    Endpoint nowhere_;
};

// A transport over a pipe, and the engine at the pipe's other end, which wants to negotiate again.
class Asked {
public:
    enum class End { client, server };

    Asked(Loop& loop, End wanting) : engines_(TLS1_2_VERSION) {
        if (wanting == End::server) {
            std::swap(engines_.client, engines_.server);
        }
        SSL_clear_options(this->wanting().ssl(), SSL_OP_NO_RENEGOTIATION);
        auto pipe = std::make_unique<Pipe>();
        pipe_ = pipe.get();
        pipe_->make_room();
        transport_.emplace(loop, std::move(pipe), std::move(engines_.server));
    }

    void ask(std::string_view plaintext = {}) {
        REQUIRE(SSL_renegotiate(wanting().ssl()) == 1);
        SSL_do_handshake(wanting().ssl());
        if (!plaintext.empty()) {
            REQUIRE(wanting().seal(std::as_bytes(std::span(plaintext))) == Step::done);
        }
        const tls::Output output = wanting().take_output();
        pipe_->say(output.octets());
    }

    // The types of the records that were sent: 21 is an alert, 23 plaintext.
    [[nodiscard]] std::string sent() const {
        std::string types;
        std::string_view rest = pipe_->sent();
        while (rest.size() > 5) {
            types += std::to_string(rest[0]) + " ";
            const auto high = static_cast<unsigned char>(rest[3]);
            const auto low = static_cast<unsigned char>(rest[4]);
            rest.remove_prefix(5U + high * 256U + low);
        }
        return types;
    }

    [[nodiscard]] Engine& wanting() noexcept { return *engines_.client; }
    [[nodiscard]] Pipe& pipe() noexcept { return *pipe_; }
    [[nodiscard]] tls::TlsTransport& transport() noexcept { return *transport_; }

private:
    Engines engines_;
    Pipe* pipe_ = nullptr;
    std::optional<tls::TlsTransport> transport_;
};

Task<Result<bool>> wait_for_input(Transport& transport) {
    const Result<Received> received = co_await transport.receive();
    co_return received ? Result<bool>(!received->empty()) : failed(received);
}

Task<> refuse_again(Loop& loop) {
    Asked asked(loop, Asked::End::client);
    asked.ask();
    const Result<bool> input = co_await with_timeout(seconds(1), wait_for_input(asked.transport()));
    REQUIRE_FALSE(input);
    CHECK(input.error().code == Errc::timed_out);
    CHECK(asked.sent() == "21 ");
    const std::string& sent = asked.pipe().sent();
    REQUIRE_FALSE(sent.empty());
    asked.wanting().feed(tests::lent(std::as_bytes(std::span(sent))));
    std::array<std::byte, 100> plaintext{};
    CHECK(asked.wanting().open(plaintext).step == Step::failed);
    CHECK(asked.wanting().explanation() == "no renegotiation");
    co_await asked.transport().close(Ending::reset);
}

TEST_CASE("tls transport: who wants to negotiate again is told no, though nobody sends",
          "[tls][transport][rfc5246-7.2.2]") {
    simulation::run({}, [](const simulation::World& world) { return refuse_again(world.loop); });
}

// An answer that does not get away, and what the transport is then asked to do.
Task<> begin_to_refuse(Asked& asked) {
    asked.pipe().fill();
    asked.ask();
    CHECK_FALSE(asked.transport().try_receive().has_value());
    co_await yield();
    CHECK(asked.pipe().is_sending());
    CHECK(asked.sent().empty());
}

Task<Result<void>> make_room_later(Pipe& pipe) {
    std::ignore = co_await sleep_for(std::chrono::milliseconds(100));
    pipe.make_room();
    co_return Result<void>();
}

Task<> send_behind_an_answer(Loop& loop) {
    Asked asked(loop, Asked::End::client);
    co_await begin_to_refuse(asked);
    const auto [sent, room] =
        co_await when_all(tests::send(asked.transport(), "hello"), make_room_later(asked.pipe()));
    CHECK(sent == 5);
    CHECK(asked.sent() == "21 23 ");
    co_await asked.transport().close(Ending::orderly);
    CHECK(asked.sent() == "21 23 21 ");
}

TEST_CASE(
    "tls transport: what is sent, or said at the end, comes behind an answer that is on its way",
    "[tls][transport]") {
    simulation::run(
        {}, [](const simulation::World& world) { return send_behind_an_answer(world.loop); });
}

Task<> send_without_room(Loop& loop) {
    Asked asked(loop, Asked::End::client);
    co_await begin_to_refuse(asked);
    const Result<std::uint64_t> sent =
        co_await with_timeout(seconds(1), tests::send(asked.transport(), "hello"));
    REQUIRE_FALSE(sent);
    CHECK(sent.error().code == Errc::timed_out);
    CHECK(sent.error().octets_done == 0);
    CHECK_FALSE(asked.pipe().is_sending());
    co_await asked.transport().close(Ending::orderly);
    CHECK(asked.sent().empty());
}

Task<> close_without_room(Loop& loop, Ending ending, Duration took_max) {
    Asked asked(loop, Asked::End::client);
    co_await begin_to_refuse(asked);
    const Instant begun = loop.now();
    co_await asked.transport().close(ending);
    CHECK(loop.now() - begun <= took_max);
    CHECK(asked.sent().empty());
}

TEST_CASE(
    "tls transport: an answer that does not get away holds up a stop and a close no longer than a "
    "goodbye",
    "[tls][transport]") {
    simulation::run({},
                    [](const simulation::World& world) { return send_without_room(world.loop); });
    simulation::run({}, [](const simulation::World& world) {
        return close_without_room(world.loop, Ending::orderly, seconds(2));
    });
    simulation::run({}, [](const simulation::World& world) {
        return close_without_room(world.loop, Ending::reset, Duration::zero());
    });
}

// By a server, which can ask again and again without an answer.
Task<> ask_without_end(Loop& loop) {
    Asked asked(loop, Asked::End::server);
    co_await begin_to_refuse(asked);
    std::optional<Error> error;
    int times = 0;
    while (!error && times < 10'000) {
        asked.ask("x");  // Something between: else it would be given up for saying nothing.
        const std::optional<Result<Received>> input = asked.transport().try_receive();
        REQUIRE(input.has_value());
        error = *input ? std::nullopt : std::optional(input->error());
        ++times;
    }
    REQUIRE(error);
    CHECK(error->code == Errc::limit_exceeded);
    CHECK(times > 100);
    co_await asked.transport().close(Ending::reset);
}

TEST_CASE("tls transport: who asks without end and hears no answer is given up",
          "[tls][transport]") {
    simulation::run({}, [](const simulation::World& world) { return ask_without_end(world.loop); });
}

}  // namespace
}  // namespace sluice
