// upload_client FILE URL: streams a file to a server, and says what became of it.

#include "sluice/sluice.h"

#include <cstdio>
#include <tuple>

using namespace sluice;

Task<Result<http::Outcome>> upload(http::Client& client, Arguments arguments) {
    const Result<File> file = co_await File::open_to_read(std::string(arguments[0]));
    if (!file) {
        co_return failed(file);
    }
    http::Exchange exchange = client.begin(http::put(arguments[1]).chunked());
    // An early answer ends it early: the outcome knows.
    std::ignore = co_await forward(*file, exchange.body());
    const http::Outcome outcome = co_await exchange.outcome();
    co_return outcome;
}

SLUICE_MAIN(Loop& loop, Arguments arguments) {
    if (arguments.size() != 2) {
        std::puts("usage: upload_client FILE URL");
        co_return 2;
    }
    http::Client client(loop);
    const Result<http::Outcome> outcome = co_await upload(client, arguments);
    co_await client.close();
    if (!outcome) {
        co_return outcome.error();
    }
    std::puts(http::sentence(*outcome, http::Method::put).c_str());
    co_return http::verdict_of(*outcome) == http::Verdict::complete ? 0 : 1;
}
