#include "sluice/examples/command_line.h"

#include "sluice/tests/catch.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::examples {
namespace {

struct Values {
    bool chunked = false;
    std::string root = ".";
    std::vector<std::string> fields;
    Endpoint at;
    unsigned threads = 1;
    std::uint64_t octets = 0;
    Duration limit{0};
    std::string from;
    std::string to;
};

// How to exit, if at all.
std::optional<int> parse(Values& values, const std::vector<const char*>& arguments) {
    CommandLine line("program", "Does something.");
    line.flag("--chunked", values.chunked, "a flag");
    line.option("--root", "DIR", values.root, "a text");
    line.option("--header", "FIELD", values.fields, "texts");
    line.option("--listen", "ADDR:PORT", values.at, "an endpoint");
    line.option("--threads", "N", values.threads, "a number");
    line.option("--max-body", "OCTETS", values.octets, "octets");
    line.option("--timeout", "SECONDS", values.limit, "seconds");
    line.not_yet("--tls-cert", "FILE");
    line.operand("FROM", values.from, "needed");
    line.optional_operand("TO", values.to, "not needed");
    std::vector<const char*> all{"program"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    return line.parse(static_cast<int>(all.size()), all.data());
}

TEST_CASE("command line: options may stand anywhere, with their value beside or after an equals",
          "[examples]") {
    Values values;
    const std::optional<int> status =
        parse(values, {"--threads", "2", "here", "--root=/srv", "--chunked", "there", "--header",
                       "A: b", "--header=C: d", "--listen", "127.0.0.1:80", "--timeout", "1.5"});
    CHECK_FALSE(status);
    CHECK(values.threads == 2);
    CHECK(values.root == "/srv");
    CHECK(values.chunked);
    CHECK(values.fields == std::vector<std::string>{"A: b", "C: d"});
    CHECK(values.at == Endpoint::loopback(80));
    CHECK(values.limit == std::chrono::milliseconds(1500));
    CHECK(values.from == "here");
    CHECK(values.to == "there");
}

TEST_CASE("command line: octets may be given in powers of 1024", "[examples]") {
    const auto [text, octets] = GENERATE(table<const char*, std::uint64_t>({
        {"0", 0},
        {"17", 17},
        {"64k", 64 * 1024},
        {"10M", 10 * 1024 * 1024},
        {"3G", std::uint64_t{3} << 30},
    }));
    Values values;
    CHECK_FALSE(parse(values, {"x", "--max-body", text}));
    CHECK(values.octets == octets);
}

TEST_CASE("command line: a lone dash and what follows two dashes are no options", "[examples]") {
    Values values;
    CHECK_FALSE(parse(values, {"-", "--", "--chunked"}));
    CHECK(values.from == "-");
    CHECK(values.to == "--chunked");
    CHECK_FALSE(values.chunked);
}

TEST_CASE("command line: what it does not understand is an exit with 2", "[examples]") {
    const auto [why, arguments] = GENERATE(table<const char*, std::vector<const char*>>({
        {"an operand is missing", {}},
        {"one operand too many", {"a", "b", "c"}},
        {"an unknown option", {"a", "--bogus"}},
        {"an option without its value", {"a", "--root"}},
        {"a flag with a value", {"a", "--chunked=yes"}},
        {"not a number", {"a", "--threads", "two"}},
        {"a negative number", {"a", "--threads", "-2"}},
        {"more octets than there are", {"a", "--max-body", "99999999999G"}},
        {"not a unit", {"a", "--max-body", "1T"}},
        {"not an endpoint", {"a", "--listen", "localhost"}},
        {"negative seconds", {"a", "--timeout", "-1"}},
        {"what is not built yet", {"a", "--tls-cert", "f"}},
    }));
    Values values;
    CAPTURE(why);
    CHECK(parse(values, arguments) == 2);
}

TEST_CASE("command line: help is an exit with 0", "[examples]") {
    Values values;
    CHECK(parse(values, {"--help"}) == 0);
}

}  // namespace
}  // namespace sluice::examples
