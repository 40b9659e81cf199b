#include "sluice/tests/http/scripted_server.h"

#include "sluice/http/octets.h"
#include "sluice/http/retry.h"
#include "sluice/http/verdict.h"
#include "sluice/runtime/block_on.h"
#include "sluice/runtime/simulation/simulated_backend.h"
#include "sluice/tests/support/faulty_backend.h"
#include "sluice/tests/support/on_kernel.h"

#include <algorithm>
#include <array>
#include <sstream>
#include <utility>

namespace sluice::http::tests {

namespace {

std::size_t heads_in(std::string_view octets) {
    constexpr std::string_view empty_line = "\r\n\r\n";
    std::size_t heads = 0;
    for (std::size_t at = octets.find(empty_line); at != std::string_view::npos;
         at = octets.find(empty_line, at + 1)) {
        ++heads;
    }
    return heads;
}

// Reads until `enough` says so, or the client is gone.
Task<bool> read_until(Transport& transport, Seen& seen, const Step* step) {
    while (true) {
        const bool enough = step != nullptr && (step->does == Step::Does::expect_octets
                                                    ? seen.octets.size() >= step->count
                                                    : heads_in(seen.octets) >= step->count);
        if (enough) {
            co_return true;
        }
        const sluice::Result<Received> received = co_await transport.receive();
        if (!received) {
            seen.reset = received.error().code == sluice::Errc::reset;
            co_return false;
        }
        if (received->empty()) {
            seen.fin = true;
            co_return false;
        }
        seen.octets.append(text_of(received->octets()));
    }
}

Task<bool> do_step(Transport& transport, Seen& seen, Step& step) {
    switch (step.does) {
        case Step::Does::expect_octets:
        case Step::Does::expect_heads: {
            const bool was_there = co_await read_until(transport, seen, &step);
            co_return was_there;
        }
        case Step::Does::say: {
            std::array<iovec, 1> parts{iovec{step.text.data(), step.text.size()}};
            const sluice::Result<std::uint64_t> sent = co_await transport.send(parts);
            co_return sent.has_value();
        }
        case Step::Does::pause: {
            const bool passed = co_await sleep_for(step.pause);
            co_return passed;
        }
        case Step::Does::finish: {
            const sluice::Result<void> shut = co_await transport.shut_down_sending();
            co_return shut.has_value();
        }
        case Step::Does::reset: co_await transport.close(Ending::reset); co_return false;
        case Step::Does::close: co_await transport.close(Ending::orderly); co_return false;
        case Step::Does::rest: {
            Event never_set;
            const bool happened = co_await never_set.wait();
            co_return happened;
        }
    }
    co_return false;
}

}  // namespace

Step expect_octets(std::uint64_t octets) {
    return {.does = Step::Does::expect_octets, .count = octets};
}

Step expect_heads(std::uint64_t heads) {
    return {.does = Step::Does::expect_heads, .count = heads};
}

Step say(std::string text) {
    return {.does = Step::Does::say, .text = std::move(text)};
}

Step pause(Duration duration) {
    return {.does = Step::Does::pause, .pause = duration};
}

Step fin() {
    return {.does = Step::Does::finish};
}

Step reset() {
    return {.does = Step::Does::reset};
}

Step close() {
    return {.does = Step::Does::close};
}

Step rest() {
    return {.does = Step::Does::rest};
}

ClientRig::ClientRig(Loop& loop, const Endpoint& at, std::vector<Script> scripts,
                     const ClientOptions& options)
    : loop_(loop),
      scripts_(std::move(scripts)),
      connector_(loop),
      client_(loop, connector_, options),
      scope_(loop),
      acceptor_(TcpAcceptor::listen(loop, at).value()) {
    client_.observe(this);
}

std::string ClientRig::url(std::string_view target) const {
    const Endpoint& at = acceptor_->local();
    return "http://" + (at.port() == 80 ? "127.0.0.1" : at.text()) + std::string(target);
}

Task<> ClientRig::run(const Drive& drive) {
    scope_.spawn(accept());
    co_await drive(*this);
    co_await client_.close();
    scope_.request_stop();
    co_await scope_.join();
    co_await acceptor_->close();
}

Task<> ClientRig::accept() {
    while (true) {
        sluice::Result<std::unique_ptr<Transport>> transport = co_await acceptor_->accept();
        if (!transport) {
            co_return;
        }
        const std::size_t index = seen_.size();
        seen_.push_back(std::make_unique<Seen>());
        Script script = index < scripts_.size() ? scripts_[index] : Script();
        scope_.spawn(play(std::move(*transport), std::move(script), *seen_.back()));
    }
}

Task<> ClientRig::play(std::unique_ptr<Transport> transport, Script script, Seen& seen) {
    bool goes_on = true;
    for (Step& step : script) {
        goes_on = co_await do_step(*transport, seen, step);
        if (!goes_on) {
            break;
        }
    }
    const bool is_closed =
        !script.empty() && !goes_on &&
        (script.back().does == Step::Does::reset || script.back().does == Step::Does::close);
    if (!is_closed && !seen.reset) {
        const bool was_there = co_await read_until(*transport, seen, nullptr);
        static_cast<void>(was_there);
    }
    co_await transport->close(Ending::orderly);
}

Task<> with_client_on(Loop& loop, Endpoint at, const std::vector<Script>& scripts,
                      const ClientRig::Drive& drive, const ClientOptions& options) {
    ClientRig rig(loop, at, scripts, options);
    co_await rig.run(drive);
}

void with_client(const std::vector<Script>& scripts, const ClientRig::Drive& drive,
                 const ClientOptions& options, const simulation::Options& world,
                 const Fault& fault) {
    simulation::SimulatedBackend simulated(world);
    sluice::tests::FaultyBackend backend(simulated);
    backend.before_each = fault;
    Loop loop(backend);
    block_on(loop, with_client_on(loop, Endpoint::loopback(80), scripts, drive, options));
}

void with_client_on_kernel(const std::vector<Script>& scripts, const ClientRig::Drive& drive,
                           const ClientOptions& options) {
    sluice::tests::Kernel kernel;
    kernel.run(with_client_on(kernel.loop(), Endpoint::loopback(0), scripts, drive, options));
}

Task<sluice::Result<void>> write_all(Exchange& exchange, std::string_view content,
                                     std::size_t piece) {
    std::span<const std::byte> left = std::as_bytes(std::span(content));
    while (!left.empty()) {
        const std::span<const std::byte> next = left.first(std::min(piece, left.size()));
        const sluice::Result<void> written = co_await exchange.body().write(next);
        if (!written) {
            co_return written;
        }
        left = left.subspan(next.size());
    }
    const sluice::Result<void> finished = co_await exchange.body().finish();
    co_return finished;
}

Task<sluice::Result<std::string>> read_all(Exchange& exchange) {
    sluice::Result<Response> response = co_await exchange.response();
    if (!response) {
        co_return failed(response);
    }
    std::string content;
    while (true) {
        const sluice::Result<std::span<const std::byte>> octets = co_await response->body().read();
        if (!octets) {
            co_return failed(octets);
        }
        if (octets->empty()) {
            co_return content;
        }
        content.append(text_of(*octets));
    }
}

std::string facts_of(const Outcome& outcome) {
    const auto declared = [](const std::optional<std::uint64_t>& octets) {
        return octets ? std::to_string(*octets) : std::string("-");
    };
    const SendFacts& send = outcome.send;
    const ReceiveFacts& receive = outcome.receive;
    const Cause& cause = outcome.cause;
    std::ostringstream text;
    text << id(verdict_of(outcome)) << ' ' << code_of(outcome.status) << ' '
         << name(retry_class_of(outcome)) << " | " << name(cause.party) << ' '
         << name(cause.mechanism) << ' ' << name(cause.phase) << ' ' << name(cause.timeout) << " | "
         << name(send.phase) << ' ' << send.head << '+' << send.body_accepted << '/'
         << send.body_offered << '+' << send.framing_octets << " of " << declared(send.declared)
         << (send.stopped ? " stopped" : "") << " | " << name(receive.phase) << ' '
         << name(receive.framing) << ' ' << receive.head << '+' << receive.body << '+'
         << receive.framing_octets << " of " << declared(receive.declared)
         << (receive.end == StreamEnd::fin     ? " fin"
             : receive.end == StreamEnd::reset ? " reset"
                                               : "")
         << " | " << outcome.connection.exchange
         << (outcome.connection.reusable ? " reusable" : "");
    return text.str();
}

}  // namespace sluice::http::tests
