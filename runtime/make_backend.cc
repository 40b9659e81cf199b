#include "sluice/runtime/make_backend.h"

#include "sluice/runtime/uring_backend.h"

#include <cstdlib>
#include <string>

namespace sluice {

namespace {

std::string_view environment() {
    const char* const name = std::getenv("SLUICE_BACKEND");
    return name != nullptr ? name : "";
}

Result<BackendKind> resolved(BackendKind kind) {
    if (kind == BackendKind::automatic && !environment().empty()) {
        return parse_backend_kind(environment());
    }
    return kind;
}

Result<OwnedBackend> make_uring() {
    Result<std::unique_ptr<UringBackend>> made = UringBackend::create();
    if (!made) {
        return failed(made);
    }
    return OwnedBackend(made->release(),
                        [](Backend* backend) { delete static_cast<UringBackend*>(backend); });
}

}  // namespace

Result<BackendKind> parse_backend_kind(std::string_view name) {
    if (name == "auto") {
        return BackendKind::automatic;
    }
    if (name == "io_uring") {
        return BackendKind::io_uring;
    }
    if (name == "epoll") {
        return BackendKind::epoll;
    }
    return failure(Errc::invalid, Phase::open);
}

Result<OwnedBackend> make_backend(BackendKind kind) {
    const Result<BackendKind> wanted = resolved(kind);
    if (!wanted) {
        return failed(wanted);
    }
    if (*wanted == BackendKind::epoll) {
        return failure(Errc::unsupported, Phase::open);
    }
    return make_uring();
}

std::string describe_backend_failure(BackendKind kind, const Error& error) {
    const Result<BackendKind> wanted = resolved(kind);
    if (!wanted) {
        return "SLUICE_BACKEND is none of auto, io_uring, epoll: " + std::string(environment());
    }
    if (*wanted == BackendKind::epoll) {
        return "there is no epoll backend yet: use io_uring";
    }
    return "this machine offers no io_uring: " + describe(error);
}

}  // namespace sluice
