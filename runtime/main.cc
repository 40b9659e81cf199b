#include "sluice/runtime/main.h"

#include "sluice/runtime/make_backend.h"
#include "sluice/runtime/threads.h"

#include <cstdio>
#include <string>

namespace sluice {

namespace {

Task<int> told(Task<ExitStatus> body) {
    const ExitStatus exit = co_await body;
    if (exit.error().code != Errc::none) {
        const std::string line = describe(exit.error());
        std::fprintf(stderr, "%s\n", line.c_str());
    }
    co_return exit.status();
}

}  // namespace

int run_main(const std::function<Task<ExitStatus>(Loop&)>& body) {
    return run_on_threads(1, BackendKind::automatic,
                          [&body](Loop& loop, unsigned) { return told(body(loop)); });
}

}  // namespace sluice
