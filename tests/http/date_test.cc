#include "sluice/http/date.h"

#include "sluice/tests/catch.h"

#include <array>
#include <string>
#include <string_view>

namespace sluice::http {
namespace {

constexpr std::int64_t example = 784'111'777;  // The date of RFC 9110's examples.

std::string written(std::int64_t unix_seconds) {
    std::array<char, date_octets> out{};
    return std::string(write_date(unix_seconds, out));
}

TEST_CASE("date: seconds are written as IMF-fixdate", "[http][date][rfc9110-5.6.7]") {
    CHECK(written(example) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(written(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
    CHECK(written(-1) == "Wed, 31 Dec 1969 23:59:59 GMT");
    CHECK(written(951'782'400) == "Tue, 29 Feb 2000 00:00:00 GMT");
    CHECK(written(4'107'542'399) == "Sun, 28 Feb 2100 23:59:59 GMT");
    CHECK(written(INT64_MAX) == "Fri, 31 Dec 9999 23:59:59 GMT");
    CHECK(written(INT64_MIN) == "Sat, 01 Jan 0000 00:00:00 GMT");
}

TEST_CASE("date: what is written is read back", "[http][date][property]") {
    for (std::int64_t time = -70'000'000'000; time < 253'000'000'000; time += 987'654'321) {
        if (time >= -62'167'219'200) {
            CHECK(parse_date(written(time), 0) == time);
        }
    }
}

TEST_CASE("date: the obsolete formats are read too", "[http][date][rfc9110-5.6.7]") {
    CHECK(parse_date("Sunday, 06-Nov-94 08:49:37 GMT", example) == example);
    CHECK(parse_date("Sun Nov  6 08:49:37 1994", example) == example);
    CHECK(parse_date("Wed Nov 16 08:49:37 1994", example) == example + 10 * 86'400);
}

TEST_CASE("date: a year of two digits is at most 50 years ahead", "[http][date][rfc9110-5.6.7]") {
    const std::int64_t in_2024 = 1'704'067'200;
    CHECK(written(*parse_date("Sunday, 06-Nov-74 08:49:37 GMT", in_2024)).contains("2074"));
    CHECK(written(*parse_date("Sunday, 06-Nov-75 08:49:37 GMT", in_2024)).contains("1975"));
    CHECK(written(*parse_date("Sunday, 06-Nov-24 08:49:37 GMT", in_2024)).contains("2024"));
}

TEST_CASE("date: anything else is no date", "[http][date]") {
    for (const std::string_view text :
         {"", "Sun", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 UTC",
          "Sun, 06 Nov 1994 08:49:37 GMT ", " Sun, 06 Nov 1994 08:49:37 GMT",
          "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 31 Feb 1994 08:49:37 GMT",
          "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
          "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
          "Sun, 06 Nov 1994 +8:49:37 GMT", "784111777"}) {
        CAPTURE(text);
        CHECK(!parse_date(text, example));
    }
}

TEST_CASE("date: the cache gives each second its own text", "[http][date]") {
    DateCache cache;
    CHECK(cache.at(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
    CHECK(cache.at(example) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(cache.at(example) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(cache.at(example + 1) == "Sun, 06 Nov 1994 08:49:38 GMT");
}

}  // namespace
}  // namespace sluice::http
