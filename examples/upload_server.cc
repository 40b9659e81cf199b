// upload_server DIRECTORY: keeps what is PUT there, each upload whole or not at all.

#include "sluice/sluice.h"

#include <cstdio>

using namespace sluice;

Task<> store(std::string_view directory, http::Request& request, http::Responder& responder) {
    AtomicFile file(std::string(directory) + "/" + http::percent_encode(request.path()));
    const Result<std::uint64_t> stored = co_await forward(request.body(), file);
    if (stored) {  // It is on the disk, and survives a loss of power.
        responder.respond(http::Status::created);
    }  // Else nothing half-written stays, and the outcome says who cut it, and where.
}

class Log final : public http::OutcomeObserver {
    void exchange_ended(const http::Outcome& outcome) override {
        std::puts(http::sentence(outcome).c_str());
    }
};

SLUICE_MAIN(Loop& loop, Arguments arguments) {
    const std::string_view directory = arguments.empty() ? "." : arguments[0];
    Log log;
    http::Server server(loop, [=](http::Request& request, http::Responder& responder) {
        return store(directory, request, responder);
    });
    server.observe(&log);
    co_return co_await server.listen(Endpoint::loopback(8080));
}
