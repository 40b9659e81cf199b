// object_store: keeps objects in a directory and serves them over HTTP. See store.h for its paths.

#include "sluice/examples/command_line.h"
#include "sluice/examples/outcome_log.h"
#include "sluice/examples/secure_serving.h"
#include "sluice/examples/serve.h"
#include "sluice/examples/store.h"
#include "sluice/runtime/task_dump.h"

#include <cstdio>
#include <memory>
#include <optional>
#include <string>

int main(int argc, char** argv) {
    using namespace sluice;
    using namespace sluice::examples;

    ServeOptions options;
    std::string directory = ".";
    std::string log_path;
    CommandLine line("object_store", "Keeps objects in a directory and serves them over HTTP.");
    options.add_to(line);
    line.option("--root", "DIR", directory, "where the objects are kept (.)");
    line.option("--access-log", "FILE", log_path, "a line of JSON an exchange; - is stdout");
    line.option("--max-body", "OCTETS", options.server.limits.content_octets_max,
                "the largest object taken in (any)");
    line.option("--drain", "SECONDS", options.drain, "for what is under way at SIGTERM (10)");
    SecureServing secure;
    secure.add_to(line);
    if (const std::optional<int> status = line.parse(argc, argv)) {
        return *status;
    }
    if (!secure.apply_to(options)) {
        return 1;
    }

    const DumpOnSignal dumps(SIGUSR1);
    Store store(directory);
    const Result<void> loaded = store.load();
    if (!loaded) {
        std::fprintf(stderr, "%s: %s\n", directory.c_str(), describe(loaded.error()).c_str());
        return 1;
    }
    http::Handler handler = [&store](http::Request& request, http::Responder& responder) {
        return store.handle(request, responder);
    };
    if (log_path.empty()) {
        return serve(options, handler);
    }
    const Result<std::unique_ptr<OutcomeLog>> log = OutcomeLog::open(log_path);
    if (!log) {
        std::fprintf(stderr, "%s: %s\n", log_path.c_str(), describe(log.error()).c_str());
        return 1;
    }
    options.observer = log->get();
    return serve(options, (*log)->watch(std::move(handler)));
}
