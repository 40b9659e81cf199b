#include "sluice/runtime/listening_socket.h"

#include "sluice/runtime/socket_calls.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace sluice {

namespace {

constexpr int first_inherited = 3;
constexpr int inherited_max = 4096;

// None: it is not set.
std::optional<std::string> take_variable(const char* name) {
    const char* const value = std::getenv(name);
    std::optional<std::string> taken;
    if (value != nullptr) {
        taken = value;
        ::unsetenv(name);
    }
    return taken;
}

std::optional<int> number_of(std::string_view text) {
    int number = 0;
    const char* const end = text.data() + text.size();
    const auto [read, error] = std::from_chars(text.data(), end, number);
    return error == std::errc() && read == end && number >= 0 ? std::optional(number)
                                                              : std::nullopt;
}

// Where none are told, what those sockets are called then; an empty text may be one name.
std::vector<std::string> names_in(const std::optional<std::string>& text, int count) {
    if (!text) {
        return std::vector<std::string>(static_cast<std::size_t>(count), "unknown");
    }
    std::vector<std::string> names;
    std::string_view rest = *text;
    bool has_more = count > 0 || !rest.empty();
    while (has_more) {
        const std::size_t colon = rest.find(':');
        names.emplace_back(rest.substr(0, colon));
        has_more = colon != std::string_view::npos;
        rest.remove_prefix(has_more ? colon + 1 : rest.size());
    }
    return names;
}

int option_of(int fd, int option) {
    int value = -1;
    socklen_t octets = sizeof value;
    return ::getsockopt(fd, SOL_SOCKET, option, &value, &octets) == 0 ? value : -1;
}

// With the name of a Unix socket, which need not be known here yet.
Endpoint endpoint_of(int fd) {
    sockaddr_storage address{};
    socklen_t octets = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::getsockname(fd, any, &octets) != 0) {
        return {};
    }
    if (address.ss_family == AF_UNIX && octets > sizeof(sa_family_t)) {
        std::string name(reinterpret_cast<const char*>(any) + sizeof(sa_family_t),
                         octets - sizeof(sa_family_t));
        const bool is_abstract = name.front() == '\0';
        name = is_abstract ? '@' + name.substr(1) : name.substr(0, name.find('\0'));
        static_cast<void>(Endpoint::unix_socket(name));
    }
    return Endpoint::from(any, octets);
}

}  // namespace

Result<ListeningSocket> ListeningSocket::at(const Endpoint& endpoint,
                                            const ListenOptions& options) {
    const Result<int> fd = socket_calls::listen(endpoint, options);
    if (!fd) {
        return failed(fd);
    }
    ListeningSocket socket(*fd, socket_calls::local_endpoint(*fd), {});
    if (std::optional<SocketFile> file = SocketFile::of(endpoint)) {
        socket.file_.emplace(std::move(*file));
    }
    return socket;
}

Result<std::vector<ListeningSocket>> ListeningSocket::inherited() {
    const std::optional<std::string> process = take_variable("LISTEN_PID");
    const std::optional<std::string> count_text = take_variable("LISTEN_FDS");
    const std::optional<std::string> names_text = take_variable("LISTEN_FDNAMES");
    std::vector<ListeningSocket> sockets;
    if (!process || !count_text || number_of(*process) != ::getpid()) {
        return sockets;
    }
    const std::optional<int> count = number_of(*count_text);
    if (!count || *count > inherited_max) {
        return failure(Errc::invalid, Phase::listen);
    }
    std::vector<std::string> names = names_in(names_text, *count);
    if (std::cmp_not_equal(names.size(), *count)) {
        return failure(Errc::invalid, Phase::listen);
    }
    for (int index = 0; index < *count; ++index) {
        const int fd = first_inherited + index;
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        if (option_of(fd, SO_TYPE) != SOCK_STREAM || option_of(fd, SO_ACCEPTCONN) != 1) {
            return failure(Errc::unsupported, Phase::listen);
        }
        std::string& name = names[static_cast<std::size_t>(index)];
        sockets.push_back(ListeningSocket(fd, endpoint_of(fd), std::move(name)));
    }
    return sockets;
}

ListeningSocket::ListeningSocket(int fd, const Endpoint& endpoint, std::string name)
    : fd_(fd), endpoint_(endpoint), name_(std::move(name)) {}

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      endpoint_(other.endpoint_),
      name_(std::move(other.name_)),
      file_(std::move(other.file_)) {}

ListeningSocket::~ListeningSocket() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

}  // namespace sluice
