// The README shows programs and numbers; here they are held to the real ones.

#include "sluice/http/client_options.h"
#include "sluice/http/limits.h"
#include "sluice/http/server_options.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/proxy_acceptor.h"
#include "sluice/tests/catch.h"
#include "sluice/tls/acceptor.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace sluice::examples {
namespace {

std::string text_of(const std::string& path) {
    const std::ifstream file(path);
    REQUIRE(file);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

// The part of the README from the line `heading` to the next heading.
std::string section(const std::string& heading) {
    const std::string readme = text_of("README.md");
    const std::size_t begin = readme.find("\n" + heading);
    REQUIRE(begin != std::string::npos);
    return readme.substr(begin, readme.find("\n## ", begin + 1) - begin);
}

std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t end = text.size(); end > 3; end -= 3) {
        text.insert(end - 3, 1, ',');
    }
    return text;
}

std::string octets(std::uint64_t number) {
    if (number == http::unlimited) {
        return "unlimited";
    }
    const bool mebi = number % (1024 * 1024) == 0;
    return std::to_string(number / (mebi ? 1024 * 1024 : 1024)) + (mebi ? " MiB" : " KiB");
}

std::string seconds(Duration duration) {
    return duration == never
               ? "never"
               : std::to_string(
                     std::chrono::duration_cast<std::chrono::seconds>(duration).count()) +
                     " s";
}

struct Default {
    std::string name;
    std::string value;
};

// The table after `title`, up to the empty line that ends it.
void check_table(const std::string& title, const std::vector<Default>& defaults) {
    const std::string limits = section("## Limits and defaults");
    const std::size_t begin = limits.find(title);
    REQUIRE(begin != std::string::npos);
    const std::size_t table = limits.find("\n\n", begin) + 2;
    const std::string rows = limits.substr(table, limits.find("\n\n", table) - table);
    for (const Default& wanted : defaults) {
        CAPTURE(title, wanted.name);
        CHECK_THAT(rows, Catch::Contains("| `" + wanted.name + "` | " + wanted.value + " |"));
    }
    // The head, the rule below it, and a line for each.
    const auto lines = static_cast<std::size_t>(std::count(rows.begin(), rows.end(), '\n'));
    CHECK(lines + 1 == defaults.size() + 2);
}

TEST_CASE("readme: the client and the server that it shows are those that are built", "[readme]") {
    for (const char* const program : {"upload_client", "upload_server"}) {
        const std::string path = std::string("examples/") + program + ".cc";
        CAPTURE(path);
        CHECK_THAT(text_of("README.md"), Catch::Contains("```cpp\n" + text_of(path) + "```\n"));
    }
}

TEST_CASE("readme: a message's limits are as it says", "[readme]") {
    const http::Limits limits;
    check_table("A message",
                {
                    {"head_octets_max", octets(limits.head_octets_max)},
                    {"target_octets_max", octets(limits.target_octets_max)},
                    {"fields_max", grouped(limits.fields_max)},
                    {"content_octets_max", octets(limits.content_octets_max)},
                    {"chunk_extension_octets_max", octets(limits.chunk_extension_octets_max)},
                    {"trailer_octets_max", octets(limits.trailer_octets_max)},
                });
}

TEST_CASE("readme: a server's defaults are as it says", "[readme]") {
    const http::ServerOptions options;
    check_table("A server", {
                                {"connections_max", grouped(options.connections_max)},
                                {"idle_max", seconds(options.idle_max)},
                                {"head_max", seconds(options.head_max)},
                                {"content_pause_max", seconds(options.content_pause_max)},
                                {"stall_max", seconds(options.stall_max)},
                                {"drain_octets_max", octets(options.drain_octets_max)},
                                {"linger_octets_max", octets(options.linger_octets_max)},
                                {"linger_max", seconds(options.linger_max)},
                                {"fin_is_gone", options.fin_is_gone ? "yes" : "no"},
                            });
}

TEST_CASE("readme: the defaults of what comes before HTTP are as it says", "[readme]") {
    const tls::TlsAcceptorOptions secure;
    const ProxyAcceptorOptions proxied;
    check_table("What comes before HTTP",
                {
                    {"handshake_max", seconds(secure.handshake_max)},
                    {"handshakes_max", grouped(secure.handshakes_max)},
                    {"header_max", seconds(proxied.header_max)},
                    {"header_octets_max", octets(proxied.header_octets_max)},
                    {"headers_max", grouped(proxied.headers_max)},
                });
}

TEST_CASE("readme: a client's defaults are as it says", "[readme]") {
    const http::ClientOptions options;
    check_table("A client",
                {
                    {"connections_per_origin_max", grouped(options.connections_per_origin_max)},
                    {"waiters_per_origin_max", grouped(options.waiters_per_origin_max)},
                    {"idle_connections_max", grouped(options.idle_connections_max)},
                    {"interim_responses_max", grouped(options.interim_responses_max)},
                    {"pool_wait_max", seconds(options.pool_wait_max)},
                    {"connect_max", seconds(options.connect_max)},
                    {"continue_wait_max", seconds(options.continue_wait_max)},
                    {"first_byte_max", seconds(options.first_byte_max)},
                    {"between_bytes_max", seconds(options.between_bytes_max)},
                    {"stall_max", seconds(options.stall_max)},
                    {"idle_max", seconds(options.idle_max)},
                    {"total_max", seconds(options.total_max)},
                    {"fetched_octets_max", octets(options.fetched_octets_max)},
                    {"drain_octets_max", octets(options.drain_octets_max)},
                    {"retries_max", grouped(options.retries_max)},
                });
}

}  // namespace
}  // namespace sluice::examples
