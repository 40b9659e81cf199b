#include "sluice/tests/simulation/proxy_host.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/combine.h"
#include "sluice/tests/simulation/client_host.h"

#include <memory>
#include <optional>
#include <string>

namespace sluice::campaign {

using http::Mechanism;
using http::Status;

ProxyHost::ProxyHost(World& world)
    : world_(world),
      server_recorder_(world, Host::proxy, http::Side::server),
      client_recorder_(world, Host::origin, http::Side::client),
      client_(world.loop, client_options_in(world)),
      server_(
          world.loop,
          [this](http::Request& request, http::Responder& responder) {
              return handle(request, responder);
          },
          server_options_of(world.script)) {
    server_.observe(&server_recorder_);
    client_.observe(&client_recorder_);
}

Task<> ProxyHost::serve(std::string_view at) {
    Listening listening(world_.loop, at, world_.script, world_.tls, world_.evidence.taken_ports);
    const Result<void> served = co_await server_.serve(listening);
    ensure(served.has_value() || served.error().code == Errc::cancelled);
}

Task<> ProxyHost::handle(http::Request& request, http::Responder& responder) {
    Handling& handling = counter_.begin(world_, Host::proxy, request);
    const HandlerEnd end(world_, handling, responder);
    Call& call = world_.evidence.calls.emplace_back();
    handling.upstream = world_.evidence.calls.size() - 1;
    call.number = handling.number;
    call.from_proxy = true;
    call.method = request.method();
    call.began = world_.now();
    http::ClientRequest onward(request.method(), world_.url("10.0.0.1", request.target()));
    if (request.body().declared()) {
        call.declared = request.body().declared();
        onward.length(*call.declared);
    } else if (!request.body().ended()) {
        onward.chunked();
    }
    http::Exchange exchange = client_.begin(onward);
    Passing passing{handling, call, request, responder, exchange};
    co_await when_all(pass_request(passing), pass_answer(passing));
    const Outcome outcome = co_await exchange.outcome();
    const Context context = co_await this_task();
    if (context.stop != nullptr && context.stop->requested() && call.gave_up == Mechanism::none) {
        call.gave_up = Mechanism::cancelled;  // It may have come while the outcome was awaited.
    }
    for (const Outcome& attempt : exchange.attempts()) {
        call.attempts.push_back(altered(attempt, world_.plant));
    }
    call.outcome = altered(outcome, world_.plant);
    ++call.outcomes;
    call.ended = world_.now();
}

// A stop comes down from the server, and is the application's for the client.
void ProxyHost::give_up(Passing& passing, Mechanism why, const Error& error) {
    const bool is_stop = error.code == Errc::cancelled;
    if (passing.call.gave_up == Mechanism::none) {
        passing.call.gave_up = is_stop ? Mechanism::cancelled : why;
        passing.call.gave_up_at = world_.now();
    }
    passing.exchange.abort(passing.call.gave_up);
}

Task<bool> ProxyHost::pass_request(Passing& passing) {
    Handling& handling = passing.handling;
    Call& call = passing.call;
    if (passing.request.body().ended()) {
        handling.got.ended = true;
        call.sent.ended = true;
        co_return true;
    }
    while (true) {
        const Result<std::span<const std::byte>> content = co_await passing.request.body().read();
        if (!content) {
            handling.got.failed = true;
            give_up(passing, Mechanism::source_error, content.error());
            co_return false;
        }
        handling.got.add(*content);
        if (content->empty()) {
            break;
        }
        call.sent.add(*content);
        const Result<void> written = co_await passing.exchange.body().write(*content);
        if (!written) {
            call.sent.failed = true;
            if (written.error().code == Errc::cancelled) {
                give_up(passing, Mechanism::cancelled, written.error());
            }
            co_return false;  // There may be an answer all the same.
        }
        call.sent.taken += content->size();
    }
    handling.got.ended = true;
    call.sent.ended = true;
    const Result<void> finished = co_await passing.exchange.body().finish();
    call.sent.failed = !finished;
    if (!finished && finished.error().code == Errc::cancelled) {
        give_up(passing, Mechanism::cancelled, finished.error());
    }
    co_return finished.has_value();
}

Task<bool> ProxyHost::pass_answer(Passing& passing) {
    Handling& handling = passing.handling;
    Call& call = passing.call;
    Result<http::Response> response = co_await passing.exchange.response();
    if (!response) {
        if (response.error().code == Errc::cancelled) {
            give_up(passing, Mechanism::cancelled, response.error());
        }
        handling.own_answer = true;
        handling.status = Status::bad_gateway;
        handling.sent.ended = true;
        handling.declared = 0;
        passing.responder.respond(handling.status);
        co_return false;
    }
    call.status = response->status();
    handling.status = response->status();
    const http::Framing framing = response->framing();
    if (framing.kind == http::Framing::Kind::length || framing.ends_with_head()) {
        handling.declared = framing.ends_with_head() ? 0 : framing.length;
    }
    ByteSink& sink = passing.responder.start(handling.status, handling.declared);
    while (true) {
        const Result<std::span<const std::byte>> content = co_await response->body().read();
        if (!content) {
            call.got.failed = true;
            if (content.error().code == Errc::cancelled) {
                give_up(passing, Mechanism::cancelled, content.error());
            }
            if (world_.plant == Plant::proxy_finishes_truncated) {
                break;
            }
            handling.aborted = true;
            sink.abort();
            co_return false;
        }
        call.got.add(*content);
        call.got.ended = content->empty();
        if (call.got.ended) {
            break;
        }
        handling.sent.add(*content);
        const Result<void> written = co_await sink.write(*content);
        if (!written) {
            handling.sent.failed = true;
            give_up(passing, Mechanism::sink_error, written.error());
            co_return false;
        }
        handling.sent.taken += content->size();
    }
    handling.sent.ended = true;
    const Result<void> finished = co_await sink.finish();
    handling.sent.failed = !finished;
    co_return finished.has_value();
}

}  // namespace sluice::campaign
