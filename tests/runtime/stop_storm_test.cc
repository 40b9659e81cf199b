// Stops at random moments, on the real kernel: nothing that arrived is lost, nothing is written to
// a buffer that was given back, no descriptor leaks, no completion reaches a new owner.

#include "sluice/runtime/await.h"
#include "sluice/runtime/block_on.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/operation.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/simulation/random.h"
#include "sluice/runtime/tcp.h"
#include "sluice/tests/runtime/contract.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <limits>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace sluice::tests {
namespace {

using simulation::Random;

constexpr std::uint64_t no_offset = std::numeric_limits<std::uint64_t>::max();
constexpr std::byte canary{0xC5};

// A yield() may come back within the turn: this lets the kernel be asked once.
class NextTurn final : public Posted {
public:
    [[nodiscard]] Event::Wait passed() noexcept { return event_.wait_regardless(); }

private:
    void arrived() noexcept override { event_.set(); }

    Event event_;
};

Task<> next_turn() {
    const Context context = co_await this_task();
    NextTurn turn;
    context.loop->post(turn);
    co_await turn.passed();
}

class SocketPair {
public:
    SocketPair() {
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()) == 0);
    }
    SocketPair(SocketPair&&) = delete;
    ~SocketPair() {
        ::close(ends_[0]);
        ::close(ends_[1]);
    }

    // As descriptors are that the backend itself opens.
    void suit(Backend& backend) const noexcept {
        if (backend.name() == "epoll") {
            ::fcntl(ends_[0], F_SETFL, O_NONBLOCK);
        }
    }

    [[nodiscard]] int ours() const noexcept { return ends_[0]; }
    [[nodiscard]] int theirs() const noexcept { return ends_[1]; }

private:
    std::array<int, 2> ends_{};
};

// What was sent is a count, octet for octet, so that one lost or doubled shows at once.
struct Stream {
    int from;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t stopped = 0;
    std::uint64_t completed = 0;
    std::uint64_t too_late = 0;  // Completed with octets, though asked to stop.
    bool is_asked = false;
    bool is_answered = true;  // By octets, or by a cancel.
    bool is_whole = true;
    bool is_untouched = true;

    void send(int to, std::size_t octets) {
        std::array<std::byte, 64> piece{};
        for (std::size_t index = 0; index < octets; ++index) {
            piece[index] = static_cast<std::byte>(sent++ % 251);
        }
        REQUIRE(::send(to, piece.data(), octets, MSG_NOSIGNAL) == static_cast<ssize_t>(octets));
    }
    void take(std::span<const std::byte> octets) {
        for (const std::byte octet : octets) {
            is_whole &= octet == static_cast<std::byte>(received++ % 251);
        }
    }
};

// In the frame of whoever has others read into it.
using Lent = std::array<std::byte, 96>;

// What the kernel did not report it has not written, around it neither.
Task<bool> read_once(Stream& stream, Lent& lent) {
    const auto is_clean = [&] {
        return std::ranges::all_of(lent, [](std::byte each) { return each == canary; });
    };
    stream.is_untouched &= is_clean();  // Since the last one ended.
    const std::span<std::byte> middle = std::span(lent).subspan(16, 64);
    Perform reading(Read{stream.from, middle, no_offset});
    const std::int32_t result = co_await reading;
    const std::size_t octets = result > 0 ? static_cast<std::size_t>(result) : 0;
    stream.take(middle.first(octets));
    std::fill_n(middle.begin(), octets, canary);
    stream.is_untouched &= is_clean();
    ++(octets > 0 ? stream.completed : stream.stopped);
    stream.too_late += octets > 0 && stream.is_asked ? 1U : 0U;
    co_return octets > 0 || result == -ECANCELED;
}

// Until something has come, or its task is asked to stop: then what had come by its end.
class Receiving final : public Operation {
public:
    Receiving(Loop& loop, Stream& stream) noexcept
        : Operation(Receive{stream.from}), loop_(loop), stream_(stream) {
        loop_.submit(*this);
    }
    void complete(Completion completion) noexcept override {
        octets += completion.received.size();
        stream_.take(completion.received.octets());
        if (completion.more) {
            loop_.cancel(*this);
        } else {
            result = completion.result;
            ended.set();
        }
    }
    std::size_t octets = 0;
    std::int32_t result = 0;
    Event ended;

private:
    Loop& loop_;
    Stream& stream_;
};

Task<bool> receive_once(Stream& stream, Lent&) {
    const Context context = co_await this_task();
    Receiving receiving(*context.loop, stream);
    const bool ended = co_await receiving.ended.wait();
    if (!ended) {
        context.loop->cancel(receiving);
        co_await receiving.ended.wait_regardless();
    }
    ++(receiving.octets > 0 ? stream.completed : stream.stopped);
    stream.too_late += receiving.octets > 0 && stream.is_asked ? 1U : 0U;
    co_return receiving.octets > 0 || receiving.result == -ECANCELED;
}

using Once = Task<bool> (*)(Stream& stream, Lent& lent);

Task<> storm(Once once, Stream& stream, const SocketPair& sockets, int rounds) {
    Random random(4711);
    Lent lent;
    lent.fill(canary);
    const Context context = co_await this_task();
    for (int round = 0; round < rounds; ++round) {
        // Nobody must wait for room: who sends is no task.
        const bool has_room = stream.sent - stream.received < 512;
        const bool before = random.below(4) == 0 && has_room;
        const bool after = random.below(2) == 0 && has_room;
        if (before) {
            stream.send(sockets.theirs(), 1 + random.below(32));
        }
        stream.is_asked = false;
        Running<bool> reading(context, once(stream, lent));
        if (random.below(2) == 0) {
            co_await yield();  // It has asked for octets, and the kernel has not heard.
        }
        for (std::uint64_t turns = random.below(5); turns > 0; --turns) {
            co_await next_turn();
        }
        if (after) {
            stream.send(sockets.theirs(), 1 + random.below(32));
        }
        stream.is_asked = true;
        reading.request_stop();
        co_await reading.join();
        stream.is_answered &= reading.take();
    }
    while (stream.is_answered && stream.is_whole && stream.received < stream.sent) {
        const bool answered = co_await once(stream, lent);
        stream.is_answered &= answered;
    }
}

template <typename World>
void check_storm(Once once, int rounds) {
    World world(0);
    Loop loop(*world);
    const SocketPair sockets;
    sockets.suit(*world);
    Stream stream{.from = sockets.ours()};
    block_on(loop, storm(once, stream, sockets, rounds));
    CHECK(stream.is_answered);
    CHECK(stream.is_whole);
    CHECK(stream.is_untouched);
    CHECK(stream.received == stream.sent);
    // Both sides of the race were run.
    CHECK(stream.stopped > static_cast<std::uint64_t>(rounds) / 10);
    CHECK(stream.completed > static_cast<std::uint64_t>(rounds) / 10);
    // On epoll a stop always wins.
    const bool may_come_late = std::is_same_v<World, OnUring>;
    CHECK(stream.too_late >= (may_come_late ? static_cast<std::uint64_t>(rounds) / 50 : 0));
}

TEST_CASE("stop storm: no stopped read loses an octet, or is written to once it has ended",
          "[runtime][stop]") {
    check_storm<OnUring>(read_once, 20'000);
    check_storm<OnEpoll>(read_once, 10'000);
}

TEST_CASE("stop storm: of 100,000 receives that race their stops none loses an octet",
          "[runtime][stop]") {
    check_storm<OnUring>(receive_once, 80'000);
    check_storm<OnEpoll>(receive_once, 20'000);
}

std::size_t open_descriptors() {
    const std::filesystem::directory_iterator all("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

Task<int> accept_once(Acceptor& acceptor) {
    Result<std::unique_ptr<Transport>> accepted = co_await acceptor.accept();
    if (!accepted) {
        co_return 0;
    }
    co_await (*accepted)->close(Ending::reset);
    co_return 1;
}

Task<int> accept_storm(Loop& loop, int rounds) {
    Random random(11);
    const Context context = co_await this_task();
    auto acceptor = TcpAcceptor::listen(loop, Endpoint::loopback(0)).value();
    int accepted = 0;
    for (int round = 0; round < rounds; ++round) {
        Running<int> accepting(context, accept_once(*acceptor));
        for (std::uint64_t turns = random.below(3); turns > 0; --turns) {
            co_await next_turn();
        }
        const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ::connect(client, acceptor->local().address(), acceptor->local().address_octets());
        for (std::uint64_t turns = random.below(4); turns > 0; --turns) {
            co_await next_turn();
        }
        accepting.request_stop();
        co_await accepting.join();
        accepted += accepting.take();
        ::close(client);
        if (random.below(8) == 0) {  // With connections in its backlog, or in flight.
            co_await acceptor->close();
            acceptor = TcpAcceptor::listen(loop, Endpoint::loopback(0)).value();
        }
    }
    co_await acceptor->close();
    co_return accepted;
}

TEMPLATE_TEST_CASE("stop storm: an accept that races a stop leaks no descriptor", "[runtime][stop]",
                   OnUring, OnEpoll) {
    TestType world(0);
    Loop loop(*world);
    const std::size_t before = open_descriptors();
    const int accepted = block_on(loop, accept_storm(loop, 2000));
    CHECK(accepted > 100);
    CHECK(accepted < 2000);
    CHECK(wait_for(*world, [&] { return open_descriptors() == before; }));
}

// A connection whose receive is pending when it is closed, octets perhaps on the way. What it
// received is its own, though its descriptor has the number of the one before.
Task<bool> reconnect(Loop& loop, std::byte own, std::uint64_t chance, int& number) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    number = ends[0];
    TcpTransport transport(loop, ends[0]);
    std::optional<Result<Received>> received = transport.try_receive();
    if (chance % 2 == 0) {
        co_await next_turn();
    }
    const std::array<std::byte, 1> octet{own};
    if (chance % 3 != 0) {
        REQUIRE(::send(ends[1], octet.data(), octet.size(), MSG_NOSIGNAL) == 1);
    }
    if (chance % 5 == 0) {
        co_await next_turn();
        received = transport.try_receive();
    }
    co_await transport.close(Ending::orderly);
    ::close(ends[1]);
    co_return !received || (received->has_value() && (*received)->octets().size() == 1 &&
                            (*received)->octets()[0] == own);
}

Task<int> reconnect_all(Loop& loop, int rounds) {
    Random random(5);
    std::set<int> numbers;
    for (int round = 0; round < rounds; ++round) {
        int number = -1;
        const bool own =
            co_await reconnect(loop, static_cast<std::byte>(round % 256), random.below(30), number);
        REQUIRE(own);
        numbers.insert(number);
    }
    co_return rounds - static_cast<int>(numbers.size());
}

TEMPLATE_TEST_CASE("stop storm: no completion reaches the next owner of a descriptor's number",
                   "[runtime][stop]", OnUring, OnEpoll) {
    TestType world(0);
    Loop loop(*world);
    CHECK(block_on(loop, reconnect_all(loop, 10'000)) > 9'900);
}

}  // namespace
}  // namespace sluice::tests
