#include "sluice/runtime/describe.h"

#include <cstddef>
#include <cstdint>
#include <variant>

namespace sluice {

namespace {

std::string on(const char* what, int fd) {
    return std::string(what) + " fd=" + std::to_string(fd);
}

std::string sized(std::string text, std::size_t octets) {
    return std::move(text) + " octets=" + std::to_string(octets);
}

struct Describe {
    std::string operator()(const Accept& request) const { return on("accept", request.listener); }
    std::string operator()(const Connect& request) const {
        return on("connect", request.fd) + " to=" + request.to->text();
    }
    std::string operator()(const Receive& request) const { return on("receive", request.fd); }
    std::string operator()(const Send& request) const {
        std::size_t octets = 0;
        for (const iovec& part : request.parts) {
            octets += part.iov_len;
        }
        return sized(on("send", request.fd), octets);
    }
    std::string operator()(const Poll& request) const {
        return on("poll", request.fd) + " events=" + std::to_string(request.events);
    }
    std::string operator()(const Open& request) const {
        return std::string("open ") + request.path + " flags=" + std::to_string(request.flags);
    }
    std::string operator()(const Read& request) const {
        return sized(on("read", request.fd), request.into.size()) +
               " offset=" + std::to_string(request.offset);
    }
    std::string operator()(const Write& request) const {
        return sized(on("write", request.fd), request.from.size()) +
               " offset=" + std::to_string(request.offset);
    }
    std::string operator()(const Sync& request) const { return on("sync", request.fd); }
    std::string operator()(const Link& request) const {
        return on("link", request.fd) + " as=" + request.path;
    }
    std::string operator()(const Rename& request) const {
        return std::string("rename ") + request.from + " to=" + request.to;
    }
    std::string operator()(const Remove& request) const {
        return std::string("remove ") + request.path;
    }
    std::string operator()(const ReadStatus& request) const { return on("status", request.fd); }
};

struct Descriptor {
    int operator()(const Accept& request) const noexcept { return request.listener; }
    int operator()(const Open&) const noexcept { return -1; }
    int operator()(const Rename&) const noexcept { return -1; }
    int operator()(const Remove&) const noexcept { return -1; }
    int operator()(const auto& request) const noexcept { return request.fd; }
};

}  // namespace

std::string describe(const Request& request) {
    return std::visit(Describe(), request);
}

int descriptor_of(const Request& request) noexcept {
    return std::visit(Descriptor(), request);
}

}  // namespace sluice
