// plaintext: the smallest server that a user would write. Nothing in it is there for benchmarks.

#include "sluice/examples/command_line.h"
#include "sluice/examples/serve.h"
#include "sluice/http/request.h"
#include "sluice/http/responder.h"
#include "sluice/runtime/task.h"

#include <optional>

namespace {

using namespace sluice;

Task<> hello(http::Request& request, http::Responder& responder) {
    if (request.target() == "/" && request.method() == http::Method::get) {
        responder.fields().add("Content-Type", "text/plain");
        responder.respond(http::Status::ok, "hello, world\n");
    } else {
        responder.respond(http::Status::not_found);
    }
    co_return;
}

}  // namespace

int main(int argc, char** argv) {
    examples::ServeOptions options;
    examples::CommandLine line("plaintext", "Answers GET / with \"hello, world\".");
    options.add_to(line);
    if (const std::optional<int> status = line.parse(argc, argv)) {
        return *status;
    }
    return examples::serve(options, hello);
}
