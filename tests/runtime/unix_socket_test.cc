// Unix sockets, on the kernel's backends; the simulator has none.

#include "sluice/runtime/await.h"
#include "sluice/runtime/block_on.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/listening_socket.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/tcp.h"
#include "sluice/tests/runtime/contract.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

using std::chrono::seconds;
using Connected = Result<std::unique_ptr<Transport>>;

Task<Connected> connect_to(Loop& loop, const Endpoint& to) {
    TcpConnector connector(loop, {.instead = to});
    ConnectTimes times;
    Connected connected = co_await connector.connect("store.example", 80, times);
    co_return connected;
}

struct Ends {
    std::unique_ptr<Transport> client;
    std::unique_ptr<Transport> server;
};

Task<Ends> meet(Loop& loop, TcpAcceptor& acceptor) {
    Connected client = co_await connect_to(loop, acceptor.local());
    REQUIRE(client);
    Connected server = co_await acceptor.accept();
    REQUIRE(server);
    Ends ends{std::move(*client), std::move(*server)};
    co_return ends;
}

Task<Result<std::uint64_t>> send(Transport& transport, std::string_view octets) {
    iovec part{const_cast<char*>(octets.data()), octets.size()};
    const Result<std::uint64_t> sent = co_await transport.send(std::span(&part, 1));
    co_return sent;
}

// Up to the end, of which only a reset is an error.
Task<Result<std::uint64_t>> count_all(Transport& transport) {
    std::uint64_t octets = 0;
    while (true) {
        const Result<Received> piece = co_await transport.receive();
        if (!piece) {
            co_return failed(piece);
        }
        if (piece->empty()) {
            co_return octets;
        }
        octets += piece->size();
    }
}

Task<> close_both(Ends& ends) {
    co_await ends.client->close(Ending::orderly);
    co_await ends.server->close(Ending::orderly);
}

std::unique_ptr<TcpAcceptor> listen(Loop& loop, const Endpoint& at,
                                    const ListenOptions& options = {}) {
    return TcpAcceptor::listen(loop, at, {.listen = options}).value();
}

// A world with a directory of its own.
template <typename World>
struct In {
    In() : world(0), loop(*world) {}

    World world;
    Loop loop;
    TemporaryDirectory directory{"/tmp"};

    [[nodiscard]] std::string path() const { return directory.path("socket"); }
    [[nodiscard]] Endpoint at() const { return Endpoint::unix_socket(path()).value(); }
};

Task<Result<std::uint64_t>> send_and_end(Transport& transport, std::string_view octets) {
    const Result<std::uint64_t> sent = co_await send(transport, octets);
    const Result<void> ended = co_await transport.shut_down_sending();
    CHECK(ended);
    co_return sent;
}

Task<> converse(Loop& loop, Endpoint at) {
    const std::unique_ptr<TcpAcceptor> acceptor = listen(loop, at);
    CHECK(acceptor->local() == at);
    Ends ends = co_await meet(loop, *acceptor);
    CHECK(ends.client->peer() == at);
    CHECK(ends.server->local() == at);
    CHECK(ends.server->peer().text() == "unix:");
    const std::string_view octets = std::string_view(more_than_fits()).substr(0, 3'000'000);
    const auto [sent, received] =
        co_await when_all(send_and_end(*ends.client, octets), count_all(*ends.server));
    CHECK(sent == octets.size());
    CHECK(received == octets.size());
    CHECK(ends.server->peer_end() == PeerEnd::fin);
    co_await close_both(ends);
    co_await acceptor->close();
}

TEMPLATE_TEST_CASE("unix socket: octets pass, by a path and by an abstract name", "[runtime][unix]",
                   OnUring, OnOldUring, OnEpoll) {
    In<TestType> in;
    block_on(in.loop, converse(in.loop, in.at()));
    CHECK(::access(in.path().c_str(), F_OK) != 0);
    const std::string name = "@sluice-test-" + std::to_string(::getpid());
    block_on(in.loop, converse(in.loop, Endpoint::unix_socket(name).value()));
}

Task<Errc> error_of_connecting(Loop& loop, Endpoint to) {
    const Connected connected = co_await connect_to(loop, to);
    if (!connected) {
        co_return connected.error().code;
    }
    co_await (*connected)->close(Ending::orderly);
    co_return Errc::none;
}

Task<> close(Acceptor& acceptor) {
    co_await acceptor.close();
}

// As by a program that was killed.
void leave_behind(const Endpoint& at) {
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::bind(fd, at.address(), at.address_octets()) == 0);
    REQUIRE(::listen(fd, 1) == 0);
    ::close(fd);
}

TEMPLATE_TEST_CASE("unix socket: one that was left behind is replaced, one that listens is not",
                   "[runtime][unix]", OnUring, OnEpoll) {
    In<TestType> in;
    const Endpoint at = in.at();
    CHECK(block_on(in.loop, error_of_connecting(in.loop, at)) == Errc::not_found);
    leave_behind(at);
    CHECK(block_on(in.loop, error_of_connecting(in.loop, at)) == Errc::refused);
    const std::unique_ptr<TcpAcceptor> acceptor = listen(in.loop, at);
    const auto second = TcpAcceptor::listen(in.loop, at);
    REQUIRE_FALSE(second);
    CHECK(second.error().os_errno == EADDRINUSE);
    block_on(in.loop, close(*acceptor));
    CHECK(::access(in.path().c_str(), F_OK) != 0);
}

TEMPLATE_TEST_CASE("unix socket: a file that is not a socket, or is another's, stays",
                   "[runtime][unix]", OnUring, OnEpoll) {
    In<TestType> in;
    const std::string path = in.path();
    ::close(::open(path.c_str(), O_CREAT | O_WRONLY, 0600));
    const auto refused = TcpAcceptor::listen(in.loop, in.at());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().os_errno == EADDRINUSE);
    REQUIRE(::unlink(path.c_str()) == 0);

    const std::unique_ptr<TcpAcceptor> first = listen(in.loop, in.at());
    REQUIRE(::unlink(path.c_str()) == 0);
    const std::unique_ptr<TcpAcceptor> second = listen(in.loop, in.at());
    block_on(in.loop, close(*first));
    CHECK(::access(path.c_str(), F_OK) == 0);
    block_on(in.loop, close(*second));
    CHECK(::access(path.c_str(), F_OK) != 0);
}

TEMPLATE_TEST_CASE("unix socket: its file is open to whom it shall be", "[runtime][unix]", OnUring,
                   OnEpoll) {
    In<TestType> in;
    for (const mode_t permissions : {0600U, 0666U}) {
        const std::unique_ptr<TcpAcceptor> acceptor =
            listen(in.loop, in.at(), {.permissions = permissions});
        struct stat file{};
        REQUIRE(::stat(in.path().c_str(), &file) == 0);
        CHECK((file.st_mode & 0777U) == permissions);
        block_on(in.loop, close(*acceptor));
    }
}

// What is sent counts as acknowledged when it was taken, and not before; nor when it is gone.
Task<> acknowledge(Loop& loop, Endpoint at, bool take) {
    const std::unique_ptr<TcpAcceptor> acceptor = listen(loop, at);
    Ends ends = co_await meet(loop, *acceptor);
    CHECK_FALSE(ends.server->try_receive().has_value());  // From here on a receive is armed.
    const std::string octets(1000, 'x');
    const Result<std::uint64_t> sent = co_await send(*ends.server, octets);
    CHECK(sent == octets.size());
    CHECK(ends.server->state().unacknowledged >= octets.size());
    const Result<void> shut = co_await ends.server->shut_down_sending();
    CHECK(shut);
    if (take) {
        const Result<std::uint64_t> taken = co_await count_all(*ends.client);
        CHECK(taken == octets.size());
    }
    co_await ends.client->close(Ending::orderly);
    const Result<void> acknowledged =
        co_await with_timeout(seconds(10), ends.server->acknowledged());
    CHECK(acknowledged.has_value() == take);
    CHECK((ends.server->state().unacknowledged == 0) == take);
    if (!take) {
        CHECK(acknowledged.error().code == Errc::reset);
    }
    const Result<std::uint64_t> end = co_await count_all(*ends.server);
    CHECK(end.has_value() == take);
    CHECK((ends.server->peer_end() == PeerEnd::fin) == take);
    CHECK((ends.server->state().unacknowledged == 0) == take);
    co_await ends.server->close(Ending::orderly);
    co_await acceptor->close();
}

TEMPLATE_TEST_CASE("unix socket: acknowledged is what the reader took, and not what went with it",
                   "[runtime][unix]", OnUring, OnOldUring, OnEpoll) {
    In<TestType> in;
    block_on(in.loop, acknowledge(in.loop, in.at(), true));
    block_on(in.loop, acknowledge(in.loop, in.at(), false));
}

// The peer is another program: it closes between two turns of the loop.
Task<> lose(Loop& loop, Endpoint at) {
    const std::unique_ptr<TcpAcceptor> acceptor = listen(loop, at);
    const int peer = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(::connect(peer, at.address(), at.address_octets()) == 0);
    Connected server = co_await acceptor->accept();
    REQUIRE(server);
    CHECK_FALSE((*server)->try_receive().has_value());
    const std::string octets(1000, 'x');
    const Result<std::uint64_t> sent = co_await send(**server, octets);
    CHECK(sent == octets.size());
    ::close(peer);  // None of them was read.
    CHECK((*server)->state().unacknowledged >= octets.size());
    const Result<void> acknowledged = co_await (*server)->acknowledged();
    CHECK_FALSE(acknowledged);
    co_await (*server)->close(Ending::orderly);
    co_await acceptor->close();
}

TEMPLATE_TEST_CASE("unix socket: what was lost is not acknowledged before the loop knows of it",
                   "[runtime][unix]", OnUring, OnOldUring, OnEpoll) {
    In<TestType> in;
    block_on(in.loop, lose(in.loop, in.at()));
}

class Listener final : public PeerEndListener {
public:
    std::vector<PeerEnd> told;
    Event fin;

    void peer_ended(PeerEnd end) noexcept override {
        told.push_back(end);
        fin.set();
    }
};

// A peer that closes with all read has hung up, and has not reset.
Task<> hang_up(Loop& loop, Endpoint at) {
    const std::unique_ptr<TcpAcceptor> acceptor = listen(loop, at);
    Ends ends = co_await meet(loop, *acceptor);
    Listener listener;
    ends.server->listen_for_peer_end(&listener);
    CHECK_FALSE(ends.server->try_receive().has_value());
    co_await ends.client->close(Ending::orderly);
    co_await listener.fin.wait();
    co_await sleep_for(std::chrono::milliseconds(1));  // In which a watch would be told of more.
    CHECK(listener.told == std::vector<PeerEnd>{PeerEnd::fin});
    const Result<std::uint64_t> sent = co_await send(*ends.server, "nobody");
    REQUIRE_FALSE(sent);
    CHECK(sent.error().code == Errc::reset);
    co_await ends.server->close(Ending::orderly);
    co_await acceptor->close();
}

TEMPLATE_TEST_CASE("unix socket: an end is not taken for a reset", "[runtime][unix]", OnUring,
                   OnEpoll) {
    In<TestType> in;
    block_on(in.loop, hang_up(in.loop, in.at()));
}

Task<> share(Loop& loop, const ListeningSocket& socket) {
    const ListenOptions shared{.existing = socket.descriptor()};
    const std::unique_ptr<TcpAcceptor> first = listen(loop, {}, shared);
    const std::unique_ptr<TcpAcceptor> second = listen(loop, {}, shared);
    CHECK(first->local() == socket.endpoint());
    co_await first->close();
    Ends ends = co_await meet(loop, *second);  // Nothing was closed but the first's.
    co_await close_both(ends);
    co_await second->close();
    const Errc error = co_await error_of_connecting(loop, socket.endpoint());
    CHECK(error == Errc::none);  // It listens still: whoever comes next finds him in the queue.
}

TEMPLATE_TEST_CASE("listening socket: acceptors share it, and none of them ends it",
                   "[runtime][unix]", OnUring, OnEpoll) {
    In<TestType> in;
    {
        const ListeningSocket socket = ListeningSocket::at(in.at()).value();
        block_on(in.loop, share(in.loop, socket));
        CHECK(::access(in.path().c_str(), F_OK) == 0);
    }
    CHECK(::access(in.path().c_str(), F_OK) != 0);
}

// In a process of its own, where the descriptors from 3 on are these. Yields what `look` does.
template <typename Look>
int in_heir(const std::vector<int>& descriptors, const std::string& count, const char* names,
            Look look) {
    const pid_t child = ::fork();
    if (child == 0) {
        for (std::size_t index = 0; index < descriptors.size(); ++index) {
            ::dup2(descriptors[index], 200 + static_cast<int>(index));
        }
        for (std::size_t index = 0; index < descriptors.size(); ++index) {
            ::dup2(200 + static_cast<int>(index), 3 + static_cast<int>(index));
        }
        ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
        ::setenv("LISTEN_FDS", count.c_str(), 1);
        if (names != nullptr) {
            ::setenv("LISTEN_FDNAMES", names, 1);
        }
        const bool as_expected = look(ListeningSocket::inherited());
        ::_exit(as_expected && ::getenv("LISTEN_FDS") == nullptr ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    return status;
}

using Inherited = Result<std::vector<ListeningSocket>>;

TEST_CASE("listening socket: those of whoever started the program, by their names",
          "[runtime][unix]") {
    const TemporaryDirectory directory("/tmp");
    const Endpoint path = Endpoint::unix_socket(directory.path("inherited")).value();
    const ListeningSocket tcp = ListeningSocket::at(Endpoint::loopback(0)).value();
    const ListeningSocket local = ListeningSocket::at(path).value();
    const std::vector<int> both = {tcp.descriptor(), local.descriptor()};
    CHECK(in_heir(both, "2", "web:store", [&](const Inherited& sockets) {
              return sockets && sockets->size() == 2 && (*sockets)[0].name() == "web" &&
                     (*sockets)[0].endpoint() == tcp.endpoint() &&
                     (*sockets)[1].name() == "store" && (*sockets)[1].endpoint() == path &&
                     (::fcntl(3, F_GETFD) & FD_CLOEXEC) != 0;
          }) == 0);
    CHECK(in_heir(both, "1", nullptr, [](const Inherited& sockets) {
              return sockets && sockets->size() == 1 && (*sockets)[0].name() == "unknown";
          }) == 0);
    const auto is_invalid = [](const Inherited& sockets) {
        return !sockets && sockets.error().code == Errc::invalid;
    };
    CHECK(in_heir(both, "2", "web", is_invalid) == 0);
    CHECK(in_heir(both, "2", "web:store:more", is_invalid) == 0);
    CHECK(in_heir(both, "0", "web", is_invalid) == 0);
    CHECK(in_heir({}, "0", "",
                  [](const Inherited& sockets) { return sockets && sockets->empty(); }) == 0);
    CHECK(in_heir(both, "two", nullptr, is_invalid) == 0);
    CHECK(in_heir(both, "2147483647", nullptr, is_invalid) == 0);
}

TEST_CASE("listening socket: one that does not listen, or is none, is refused", "[runtime][unix]") {
    const std::vector<int> useless = {
        ::open("/dev/null", O_RDONLY | O_CLOEXEC),
        ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0),
        ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0),
    };
    for (const int fd : useless) {
        CHECK(in_heir({fd}, "1", nullptr, [](const Inherited& sockets) {
                  return !sockets && sockets.error() == Error{Errc::unsupported, Phase::listen};
              }) == 0);
        ::close(fd);
    }
}

TEST_CASE("listening socket: another process's are nobody's here", "[runtime][unix]") {
    ::setenv("LISTEN_PID", "1", 1);
    ::setenv("LISTEN_FDS", "1", 1);
    const Inherited sockets = ListeningSocket::inherited();
    REQUIRE(sockets);
    CHECK(sockets->empty());
}

}  // namespace
}  // namespace sluice::tests
