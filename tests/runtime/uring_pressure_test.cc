// io_uring when its queues are full, its buffers are gone, its memory is limited, or its kernel is
// an old one. All on the real kernel; a seccomp filter says what an older or busier one would.

#include "sluice/runtime/uring_backend.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/block_on.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/make_backend.h"
#include "sluice/runtime/tcp.h"
#include "sluice/tests/runtime/contract.h"
#include "sluice/tests/support/in_child.h"
#include "sluice/tests/support/without_io_uring.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sluice/tests/catch.h"

namespace sluice::tests {
namespace {

using std::chrono::seconds;
using Operations = std::vector<std::unique_ptr<Recorded>>;

// Readable for ever, or never.
class EventFd {
public:
    explicit EventFd(unsigned count) : fd(::eventfd(count, EFD_CLOEXEC)) {}
    EventFd(EventFd&&) = delete;
    ~EventFd() { ::close(fd); }

    const int fd;
};

std::unique_ptr<UringBackend> with_queues(unsigned submissions, unsigned completions) {
    return UringBackend::create({.submissions_max = submissions,
                                 .completions_max = completions,
                                 .receive_buffers = contract_buffers,
                                 .receive_buffer_octets = contract_buffer_octets})
        .value();
}

void start(Operations& operations, Backend& backend, std::size_t count, const Request& request) {
    for (std::size_t index = 0; index < count; ++index) {
        operations.push_back(std::make_unique<Recorded>(backend, request));
    }
}

std::size_t ended(const Operations& operations) {
    std::size_t count = 0;
    for (const auto& each : operations) {
        count += each->ended ? 1U : 0U;
    }
    return count;
}

// Whether they all end without the backend once sleeping over one that could.
bool all_end(Backend& backend, const Operations& operations) {
    constexpr int waits_max = 10'000;
    const Instant until = backend.now() + seconds(10);
    for (int waits = 0; waits < waits_max && backend.now() < until; ++waits) {
        if (ended(operations) == operations.size()) {
            return true;
        }
        backend.wait(until);
    }
    return false;
}

TEST_CASE("io_uring: more submissions in one turn than the queue has entries all complete",
          "[runtime][ring]") {
    const auto backend = with_queues(8, 8192);
    const EventFd ready(1);
    Operations operations;
    start(operations, *backend, 500, Poll{ready.fd, POLLIN});
    CHECK(all_end(*backend, operations));
    for (const auto& each : operations) {
        CHECK(each->results == std::vector<std::int32_t>{POLLIN});
    }
}

TEST_CASE("io_uring: what the kernel has no room for goes in later, also behind what never ends",
          "[runtime][ring]") {
    bool all_ended = false;
    std::size_t answers = 0;
    std::size_t cancelled = 0;
    // Outside wait() the kernel takes nothing, as while completions overflow.
    const RefusedCall busy{.number = __NR_io_uring_enter,
                           .argument = 3,
                           .mask = IORING_ENTER_GETEVENTS,
                           .error = EBUSY};
    without(busy, [&] {
        const auto backend = with_queues(8, 64);
        const EventFd ready(1);
        const EventFd silent(0);
        Operations waiting;
        Operations answered;
        start(waiting, *backend, 100, Poll{silent.fd, POLLIN});
        start(answered, *backend, 20, Poll{ready.fd, POLLIN});
        all_ended = all_end(*backend, answered);
        for (const auto& each : answered) {
            answers += each->last() == POLLIN ? 1U : 0U;
        }
        start(waiting, *backend, 100, Poll{silent.fd, POLLIN});
        for (const auto& each : waiting) {
            each->cancel();
        }
        all_ended &= all_end(*backend, waiting);
        for (const auto& each : waiting) {
            cancelled += each->last() == -ECANCELED ? 1U : 0U;
        }
    });
    CHECK(all_ended);
    CHECK(answers == 20);
    CHECK(cancelled == 200);
}

TEST_CASE("io_uring: ten times more completions than the queue holds all arrive, and wake() too",
          "[runtime][ring]") {
    const auto backend = with_queues(8, 8);
    const EventFd ready(1);
    Operations operations;
    start(operations, *backend, 80, Poll{ready.fd, POLLIN});
    backend->wake();
    CHECK(all_end(*backend, operations));
    for (const auto& each : operations) {
        CHECK(each->results == std::vector<std::int32_t>{POLLIN});
    }
    backend->wait(backend->now());  // The wake, if it has not been taken.
    backend->wake();
    const Instant before = backend->now();
    backend->wait(before + seconds(10));
    CHECK(backend->now() < before + seconds(10));
}

TEST_CASE("io_uring: receives of many go on when buffers and completions run out together",
          "[runtime][ring]") {
    constexpr std::size_t count = 32;
    const auto backend = with_queues(8, 8);
    const std::string text(50'000, 'x');
    const Parts parts(text);
    std::vector<std::unique_ptr<Pair>> pairs;
    Operations receiving;
    Operations sending;
    for (std::size_t index = 0; index < count; ++index) {
        pairs.push_back(std::make_unique<Pair>(*backend));
    }
    for (const auto& pair : pairs) {
        receiving.push_back(std::make_unique<Recorded>(*backend, Receive{pair->server}));
        sending.push_back(std::make_unique<Recorded>(*backend, Send{pair->client, parts}));
    }
    const auto is_there = [&] {
        bool all = true;
        for (const auto& each : receiving) {
            const bool whole = each->octets.size() == text.size();
            all &= whole;
            if (each->ended && !whole && each->last() > 0) {
                each->submit_again();
            }
        }
        return all;
    };
    CHECK(wait_for(*backend, is_there));
    CHECK(all_end(*backend, sending));
    for (const auto& each : receiving) {
        CHECK(each->octets == text);
    }
}

// A listener, connections, octets, an end and a cancel.
void exchange(Backend& backend) {
    Pair pair(backend);
    const Endpoint to = backend.local_endpoint(pair.listener);
    Recorded accepting(backend, Accept{pair.listener});
    std::vector<int> clients;
    std::vector<int> servers;
    for (int count = 0; count < 3; ++count) {
        clients.push_back(backend.open_socket(AF_INET).value());
        CHECK(result_of(backend, Connect{clients.back(), &to}) == 0);
    }
    CHECK(wait_for(backend, [&] {
        if (accepting.ended && accepting.results.size() < 3) {
            accepting.submit_again();
        }
        return accepting.results.size() == 3;
    }));
    for (const int fd : accepting.results) {
        backend.close(fd);
    }
    for (const int fd : clients) {
        backend.close(fd);
    }
    const std::string text(100'000, 'x');
    const Parts parts(text);
    Recorded sending(backend, Send{pair.client, parts});
    CHECK(receive_octets(backend, pair.server, text.size()) == text);
    CHECK(ends(backend, sending));
    Recorded waiting(backend, Receive{pair.server});
    backend.wait(backend.now());
    waiting.cancel();
    CHECK(ends(backend, waiting));
    CHECK(waiting.last() == -ECANCELED);
    pair.close(pair.client);
    CHECK(receive_to_end(backend, pair.server).end == 0);
}

TEST_CASE("io_uring: each feature that an older kernel lacks is done without", "[runtime][ring]") {
    for (bool UringFeatures::* const lacking :
         {&UringFeatures::cooperative_work, &UringFeatures::multishot_accept,
          &UringFeatures::single_issuer, &UringFeatures::multishot_receive,
          &UringFeatures::deferred_work}) {
        UringFeatures features;
        features.*lacking = false;
        OnUring world(features);
        exchange(*world);
    }
}

TEST_CASE("io_uring: on a kernel without buffer rings epoll serves, and a wish for io_uring fails",
          "[runtime][ring]") {
    std::string automatic;
    int wished = 0;
    const RefusedCall old{.number = __NR_io_uring_register,
                          .argument = 1,
                          .mask = 0xff,
                          .value = IORING_REGISTER_PBUF_RING,
                          .error = EINVAL};
    without(old, [&] {
        automatic = make_backend().value()->name();
        const Result<OwnedBackend> made = make_backend(BackendKind::io_uring);
        wished = made ? 0 : made.error().os_errno;
    });
    CHECK(automatic == "epoll");
    CHECK(wished == ENOSYS);
}

// What a user's rings take is counted together: so this becomes one who has no others, nor a
// privilege. In a sandbox that knows one user alone there is none to become.
bool become_nobody_in_particular() {
    constexpr uid_t base = 200'000;
    const uid_t user = base + static_cast<uid_t>(::getpid());
    const rlimit limit{.rlim_cur = 64 * 1024, .rlim_max = 64 * 1024};
    return ::setrlimit(RLIMIT_MEMLOCK, &limit) == 0 && ::setresuid(user, user, user) == 0;
}

TEST_CASE("io_uring: 64 KiB of memory that may be locked are enough, without a privilege",
          "[runtime][ring]") {
    constexpr int no_such_user = 2;
    const int status = in_child([] {
        if (!become_nobody_in_particular()) {
            return no_such_user;
        }
        const auto made = UringBackend::create();
        if (!made) {
            return 3;
        }
        exchange(**made);
        return 0;
    });
    if (status == no_such_user) {
        WARN("not checked: this process cannot become another user");
        return;
    }
    CHECK(status == 0);
}

// Every descriptor that this process may have, but for `left`.
std::vector<int> take_descriptors(std::size_t left) {
    std::vector<int> taken;
    for (int fd = ::eventfd(0, EFD_CLOEXEC); fd >= 0; fd = ::eventfd(0, EFD_CLOEXEC)) {
        taken.push_back(fd);
    }
    for (; left > 0 && !taken.empty(); --left) {
        ::close(taken.back());
        taken.pop_back();
    }
    return taken;
}

// Lets descriptors go once accepting has had to pause so often.
Task<bool> give_back(const TcpAcceptor& acceptor, const std::vector<int>& taken,
                     std::uint64_t pauses) {
    do {
        const bool passed = co_await sleep_for(std::chrono::milliseconds(1));
        if (!passed) {
            co_return false;
        }
    } while (acceptor.pauses() < pauses);
    for (const int fd : taken) {
        ::close(fd);
    }
    co_return true;
}

Task<int> accept_without_descriptors(Loop& loop, std::uint64_t wanted) {
    const TcpAcceptorOptions options{.listen = {}, .exhausted_pause = std::chrono::milliseconds(1)};
    const auto acceptor = TcpAcceptor::listen(loop, Endpoint::loopback(0), options).value();
    const std::uint16_t port = acceptor->local().port();
    TcpConnector connector(loop);
    ConnectTimes times;
    const std::vector<int> taken = take_descriptors(wanted > 0 ? 1 : 8);
    Result<std::unique_ptr<Transport>> client =
        co_await connector.connect("127.0.0.1", port, times);
    if (!client) {
        co_return 10;
    }
    auto [server, given] =
        co_await when_all(acceptor->accept(), give_back(*acceptor, taken, wanted));
    if (!server || !given) {
        co_return 11;
    }
    const std::uint64_t pauses = acceptor->pauses();
    co_await (*server)->close(Ending::orderly);
    co_await (*client)->close(Ending::orderly);
    co_await acceptor->close();
    co_return pauses >= wanted ? 0 : 12;
}

TEST_CASE("accepting: without a descriptor it pauses, counts that, and goes on when there is one",
          "[runtime][ring]") {
    for (const BackendKind kind : {BackendKind::io_uring, BackendKind::epoll}) {
        const int status = in_child([&] {
            const OwnedBackend backend = make_backend(kind).value();
            Loop loop(*backend);
            const rlimit limit{.rlim_cur = 64, .rlim_max = 64};
            if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
                return 1;
            }
            // Once with descriptors: a sanitizer needs one for what it looks at first.
            const int with_some = block_on(loop, accept_without_descriptors(loop, 0));
            return with_some != 0 ? with_some : block_on(loop, accept_without_descriptors(loop, 2));
        });
        CHECK(status == 0);
    }
}

}  // namespace
}  // namespace sluice::tests
