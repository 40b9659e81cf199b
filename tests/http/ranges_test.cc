#include "sluice/http/ranges.h"

#include "sluice/tests/catch.h"

#include <array>
#include <string>
#include <string_view>

namespace sluice::http {
namespace {

constexpr RangeRequest whole{};
constexpr RangeRequest unsatisfiable{RangeRequest::Kind::unsatisfiable, {}};

constexpr RangeRequest part(std::uint64_t first, std::uint64_t last) {
    return {RangeRequest::Kind::part, {first, last}};
}

TEST_CASE("ranges: a request names a part, the whole, or nothing that is there",
          "[http][ranges][rfc9110-14.1.2]") {
    struct Row {
        std::string_view value;
        std::uint64_t size;
        RangeRequest request;
    };
    const Row rows[] = {
        {"bytes=0-0", 10, part(0, 0)},
        {"bytes=2-5", 10, part(2, 5)},
        {"bytes=2-", 10, part(2, 9)},
        {"bytes=9-", 10, part(9, 9)},
        {"bytes=0-10", 10, part(0, 9)},
        {"bytes=0-99999999999999999999999", 10, part(0, 9)},
        {"bytes=-3", 10, part(7, 9)},
        {"bytes=-10", 10, part(0, 9)},
        {"bytes=-99999999999999999999999", 10, part(0, 9)},
        {"Bytes=0-0", 10, part(0, 0)},
        {"bytes= 0-0 ", 10, part(0, 0)},
        {"bytes=10-", 10, unsatisfiable},
        {"bytes=10-20", 10, unsatisfiable},
        {"bytes=99999999999999999999999-", 10, unsatisfiable},
        {"bytes=-0", 10, unsatisfiable},
        {"bytes=0-", 0, unsatisfiable},
        {"bytes=-1", 0, whole},
        {"bytes=5-2", 10, whole},
        {"bytes=0-1,3-4", 10, whole},
        {"bytes=", 10, whole},
        {"bytes=-", 10, whole},
        {"bytes=a-b", 10, whole},
        {"bytes=+0-1", 10, whole},
        {"bytes=0 - 1", 10, whole},
        {"bytes=--1", 10, whole},
        {"bytes=0-1-2", 10, whole},
        {"bytes 0-1", 10, whole},
        {"lines=0-1", 10, whole},
        {"", 10, whole},
    };
    for (const Row& row : rows) {
        CAPTURE(row.value, row.size);
        CHECK(parse_range(row.value, row.size) == row.request);
    }
}

std::string written(const ContentRange& range) {
    std::array<char, content_range_octets_max> out{};
    return std::string(write_content_range(range, out));
}

TEST_CASE("ranges: Content-Range is written as it is read", "[http][ranges][rfc9110-14.4]") {
    const std::uint64_t most = ~std::uint64_t{0};
    const ContentRange rows[] = {
        {ByteRange{0, 9}, 10},
        {ByteRange{3, 3}, std::nullopt},
        {std::nullopt, 0},
        {ByteRange{most - 1, most - 1}, most},
    };
    for (const ContentRange& row : rows) {
        CAPTURE(written(row));
        CHECK(parse_content_range(written(row)) == row);
    }
    CHECK(written(rows[0]) == "bytes 0-9/10");
    CHECK(written(rows[2]) == "bytes */0");
}

TEST_CASE("ranges: a Content-Range that contradicts itself is none",
          "[http][ranges][rfc9110-14.4]") {
    for (const std::string_view value :
         {"", "bytes", "bytes ", "bytes 0-9", "bytes 0-9/", "bytes 9-0/10", "bytes 0-10/10",
          "bytes */*", "bytes -9/10", "bytes 0-/10", "bytes=0-9/10", "lines 0-9/10",
          "bytes 0-9/10 ", "bytes 0-9/+10", "bytes 0-99999999999999999999/*"}) {
        CAPTURE(value);
        CHECK(!parse_content_range(value));
    }
}

}  // namespace
}  // namespace sluice::http
