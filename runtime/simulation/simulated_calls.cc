// The calls of SimulatedBackend that answer at once, and what it has to say about itself.

#include "sluice/runtime/simulation/simulated_backend.h"

#include "sluice/runtime/describe.h"
#include "sluice/runtime/ensure.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace sluice::simulation {

Result<int> SimulatedBackend::open_socket(int family) noexcept {
    if (family != AF_INET && family != AF_INET6) {
        return std::unexpected(error_from_errno(EAFNOSUPPORT, Phase::connect));
    }
    if (faults_.happens(FaultKind::no_socket, options_.no_socket_percent)) {
        return std::unexpected(error_from_errno(EMFILE, Phase::connect));
    }
    const Result<int> fd = new_descriptor(Phase::connect);
    if (fd) {
        network_.open(*fd, family);
    }
    return fd;
}

Result<int> SimulatedBackend::listen(const Endpoint& at, const ListenOptions& options) noexcept {
    ensure(options.existing < 0, "a simulated listener cannot share a descriptor");
    const Result<int> fd = new_descriptor(Phase::listen);
    if (!fd) {
        return fd;
    }
    if (const std::int32_t result = network_.listen(*fd, at, options); result < 0) {
        --descriptors_open_;
        return std::unexpected(error_from_errno(-result, Phase::listen));
    }
    return fd;
}

void SimulatedBackend::configure(int fd, const SocketOptions& options) noexcept {
    check_descriptor(fd, "configure()");
    network_.configure(fd, options);
}

Endpoint SimulatedBackend::local_endpoint(int fd) noexcept {
    check_descriptor(fd, "local_endpoint()");
    return network_.local_endpoint(fd);
}

Endpoint SimulatedBackend::peer_endpoint(int fd) noexcept {
    check_descriptor(fd, "peer_endpoint()");
    return network_.peer_endpoint(fd);
}

void SimulatedBackend::shut_down_sending(int fd) noexcept {
    check_descriptor(fd, "shut_down_sending()");
    network_.shut_down_sending(fd);
}

SocketState SimulatedBackend::socket_state(int fd) noexcept {
    check_descriptor(fd, "socket_state()");
    return network_.state(fd);
}

int SimulatedBackend::take_error(int fd) noexcept {
    check_descriptor(fd, "take_error()");
    return network_.take_error(fd);
}

bool SimulatedBackend::seal(int fd, const SealingKeys& keys) noexcept {
    check_descriptor(fd, "seal()");
    return options_.sealer && network_.seal(fd, keys, options_.sealer);
}

std::optional<std::uint64_t> SimulatedBackend::next_record(int fd) noexcept {
    check_descriptor(fd, "next_record()");
    return network_.next_record(fd);
}

void SimulatedBackend::close(int fd, Ending ending) noexcept {
    check_descriptor(fd, "close()");
    if (const auto found = of_descriptor_.find(fd); found != of_descriptor_.end()) {
        if (!found->second.empty()) {
            violation("close() of descriptor " + std::to_string(fd) + ", which is in use");
        }
        of_descriptor_.erase(found);
    }
    --descriptors_open_;
    if (disks_.has(fd)) {
        disks_.close(fd);
    } else {
        network_.close(fd, ending);
    }
}

void SimulatedBackend::cut(std::size_t connection, Direction direction, CutKind kind) noexcept {
    network_.wire().cut(connection, direction, kind);
}

std::string SimulatedBackend::report() const {
    std::string text;
    for (const auto& [id, entry] : entries_) {
        text += "  #" + std::to_string(id) + " " + describe(entry.operation->request);
        text += entry.cancelled ? ", cancelled" : "";
        text += entry.operation->state == Operation::State::parked ? ", waits for a buffer" : "";
        text += "\n";
    }
    return text;
}

Result<int> SimulatedBackend::new_descriptor(Phase phase) noexcept {
    if (descriptors_open_ >= options_.descriptors_max) {
        return std::unexpected(error_from_errno(EMFILE, phase));
    }
    ++descriptors_open_;
    return next_fd_++;
}

void SimulatedBackend::check_descriptor(int fd, std::string_view what) noexcept {
    if (!network_.has(fd) && !disks_.has(fd)) {
        violation(std::string(what) + " of descriptor " + std::to_string(fd) +
                  ", which is not open");
    }
}

void SimulatedBackend::violation(const std::string& what) noexcept {
    const std::string text = "simulation, seed " + std::to_string(options_.seed) + ": " + what +
                             ". In flight:\n" + report();
    if (handler_) {
        handler_(text);
        return;
    }
    std::fputs(text.c_str(), stderr);
    std::abort();
}

void SimulatedBackend::trace(const Entry& entry, const std::string& what) noexcept {
    if (options_.trace != nullptr) {
        *options_.trace +=
            std::to_string(now_.count()) + " #" + std::to_string(entry.id) + " " + what + "\n";
    }
}

}  // namespace sluice::simulation
