// in_own_network(): runs a test's body on a thread that has a network of its own, of a loopback and
// nothing else, where routes can be lost, ports run out and the line be cut.
//
// A process that may not have one runs nothing, and the test says so: what it would have shown is
// then not shown.
//
// Errors:       What the body throws is thrown.
// Threading:    The calling thread waits for the body's, whose network goes with it.

#pragma once

#include "sluice/tests/catch.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <net/route.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>
#include <fstream>
#include <string>
#include <thread>

namespace sluice::tests {

class OwnNetwork {
public:
    OwnNetwork() : control_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
        set_loopback(true);
        // Another address than 127.0.0.1, which is of the host's own scope and routed nowhere.
        ifreq request = request_for("lo:1");
        put_address(request.ifr_addr, "10.0.0.1");
        REQUIRE(::ioctl(control_, SIOCSIFADDR, &request) == 0);
    }
    OwnNetwork(OwnNetwork&&) = delete;
    ~OwnNetwork() { ::close(control_); }

    // Nothing passes while it is down, and nobody is told.
    void set_loopback(bool up) const {
        ifreq request = request_for("lo");
        request.ifr_flags = up ? static_cast<short>(IFF_UP | IFF_RUNNING) : short{0};
        REQUIRE(::ioctl(control_, SIOCSIFFLAGS, &request) == 0);
    }

    // Connects to it are told at once that there is no way.
    void make_unreachable(const char* address) const { add_route(address, RTF_REJECT, nullptr); }

    // What is sent there comes back by the loopback, is for nobody here, and is dropped.
    void make_silent(const char* address) const {
        std::string loopback = "lo";
        add_route(address, 0, loopback.data());
    }

    void limit_local_ports(std::uint16_t least, std::uint16_t most) const {
        std::ofstream range("/proc/sys/net/ipv4/ip_local_port_range");
        range << least << " " << most << std::flush;
        REQUIRE(range.good());
    }

private:
    static ifreq request_for(std::string_view name) {
        ifreq request{};
        std::memcpy(request.ifr_name, name.data(), name.size());
        return request;
    }
    static void put_address(sockaddr& into, const char* address) {
        sockaddr_in endpoint{};
        endpoint.sin_family = AF_INET;
        REQUIRE(::inet_pton(AF_INET, address, &endpoint.sin_addr) == 1);
        std::memcpy(&into, &endpoint, sizeof endpoint);
    }
    void add_route(const char* address, unsigned flags, char* device) const {
        rtentry route{};
        put_address(route.rt_dst, address);
        put_address(route.rt_genmask, "255.255.255.255");
        route.rt_flags = static_cast<unsigned short>(RTF_UP | RTF_HOST | flags);
        route.rt_dev = device;
        REQUIRE(::ioctl(control_, SIOCADDRT, &route) == 0);
    }

    int control_;
};

// `body` is called with the OwnNetwork.
template <typename Body>
void in_own_network(Body body) {
    int refused = 0;
    std::exception_ptr thrown;
    std::thread([&] {
        try {
            if (::unshare(CLONE_NEWNET) != 0) {
                refused = errno;
                return;
            }
            const OwnNetwork network;
            body(network);
        } catch (...) {
            thrown = std::current_exception();
        }
    }).join();
    if (refused != 0) {
        WARN("NOT CHECKED: a network of its own is refused: " << std::strerror(refused));
    }
    if (thrown) {
        std::rethrow_exception(thrown);
    }
}

}  // namespace sluice::tests
