#include "sluice/runtime/make_backend.h"

#include "sluice/runtime/epoll_backend.h"
#include "sluice/runtime/uring_backend.h"

#include <cerrno>
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

template <typename Made>
Result<OwnedBackend> make() {
    Result<std::unique_ptr<Made>> made = Made::create();
    if (!made) {
        return failed(made);
    }
    return OwnedBackend(made->release(),
                        [](Backend* backend) { delete static_cast<Made*>(backend); });
}

// Container engines and hardened hosts answer EPERM, kernels without it ENOSYS.
bool is_forbidden_or_absent(const Error& error) {
    return error.os_errno == EPERM || error.os_errno == ENOSYS;
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
        return make<EpollBackend>();
    }
    Result<OwnedBackend> made = make<UringBackend>();
    const bool may_choose = *wanted == BackendKind::automatic;
    if (!made && may_choose && is_forbidden_or_absent(made.error())) {
        return make<EpollBackend>();
    }
    return made;
}

std::string describe_backend_failure(BackendKind kind, const Error& error) {
    const Result<BackendKind> wanted = resolved(kind);
    if (!wanted) {
        return "SLUICE_BACKEND is none of auto, io_uring, epoll: " + std::string(environment());
    }
    const std::string_view name = *wanted == BackendKind::epoll ? "epoll" : "io_uring";
    return "this machine offers no " + std::string(name) + ": " + describe(error);
}

}  // namespace sluice
