#include "sluice/http/date.h"

#include "sluice/http/octets.h"

#include <algorithm>
#include <chrono>

namespace sluice::http {

namespace {

constexpr std::array<std::string_view, 7> days = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                  "Thursday", "Friday", "Saturday"};
constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

// The seconds of 0000-01-01 00:00:00 and 9999-12-31 23:59:59.
constexpr std::int64_t unix_seconds_min = -62'167'219'200;
constexpr std::int64_t unix_seconds_max = 253'402'300'799;

void put_digits(char* at, int octets, unsigned value) {
    for (int index = octets - 1; index >= 0; --index) {
        at[index] = static_cast<char>('0' + value % 10);
        value /= 10;
    }
}

// Takes a date apart from its front; one failure is remembered, and all that follows fails too.
class Cursor {
public:
    explicit Cursor(std::string_view text) : rest_(text) {}

    void expect(std::string_view text) {
        good_ = good_ && rest_.starts_with(text);
        skip(text.size());
    }

    template <std::size_t count>
    int one_of(const std::array<std::string_view, count>& names, std::size_t octets) {
        for (std::size_t index = 0; good_ && index < count; ++index) {
            const std::string_view name = names[index].substr(0, octets);
            if (rest_.starts_with(name)) {
                skip(name.size());
                return static_cast<int>(index);
            }
        }
        good_ = false;
        return 0;
    }

    int number(std::size_t digits) {
        const std::optional<std::uint64_t> value = parse_decimal(rest_.substr(0, digits));
        good_ = good_ && rest_.size() >= digits && value.has_value();
        skip(digits);
        return good_ ? static_cast<int>(*value) : 0;
    }

    // asctime's day of one digit has a blank before it.
    int padded_number() {
        if (rest_.starts_with(' ')) {
            skip(1);
            return number(1);
        }
        return number(2);
    }

    [[nodiscard]] bool starts_with(std::string_view text) const { return rest_.starts_with(text); }
    [[nodiscard]] bool finished() const { return good_ && rest_.empty(); }

private:
    void skip(std::size_t octets) { rest_.remove_prefix(std::min(octets, rest_.size())); }

    std::string_view rest_;
    bool good_ = true;
};

struct Moment {
    int year = 0;
    int month = 0;  // From 0.
    int day = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
};

void take_time(Cursor& cursor, Moment& moment) {
    moment.hour = cursor.number(2);
    cursor.expect(":");
    moment.minute = cursor.number(2);
    cursor.expect(":");
    moment.second = cursor.number(2);
}

std::optional<std::int64_t> unix_seconds_of(const Moment& moment) {
    const std::chrono::year_month_day date(
        std::chrono::year(moment.year), std::chrono::month(static_cast<unsigned>(moment.month + 1)),
        std::chrono::day(static_cast<unsigned>(moment.day)));
    if (!date.ok() || moment.hour > 23 || moment.minute > 59 || moment.second > 60) {
        return std::nullopt;
    }
    const std::int64_t day = std::chrono::sys_days(date).time_since_epoch().count();
    return ((day * 24 + moment.hour) * 60 + moment.minute) * 60 + moment.second;
}

int year_of(std::int64_t unix_seconds) {
    const std::chrono::sys_days day = std::chrono::floor<std::chrono::days>(
        std::chrono::sys_seconds(std::chrono::seconds(unix_seconds)));
    return static_cast<int>(std::chrono::year_month_day(day).year());
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<Moment> parse_fixed(std::string_view text) {
    Cursor cursor(text);
    Moment moment;
    cursor.one_of(days, 3);
    cursor.expect(", ");
    moment.day = cursor.number(2);
    cursor.expect(" ");
    moment.month = cursor.one_of(months, 3);
    cursor.expect(" ");
    moment.year = cursor.number(4);
    cursor.expect(" ");
    take_time(cursor, moment);
    cursor.expect(" GMT");
    return cursor.finished() ? std::optional(moment) : std::nullopt;
}

// "Sunday, 06-Nov-94 08:49:37 GMT"
std::optional<Moment> parse_rfc850(std::string_view text, std::int64_t now_unix_seconds) {
    Cursor cursor(text);
    Moment moment;
    cursor.one_of(days, std::string_view::npos);
    cursor.expect(", ");
    moment.day = cursor.number(2);
    cursor.expect("-");
    moment.month = cursor.one_of(months, 3);
    cursor.expect("-");
    const int two_digits = cursor.number(2);
    cursor.expect(" ");
    take_time(cursor, moment);
    cursor.expect(" GMT");

    const int now = year_of(std::clamp(now_unix_seconds, unix_seconds_min, unix_seconds_max));
    moment.year = now - now % 100 + two_digits;
    if (moment.year > now + 50) {
        moment.year -= 100;
    }
    return cursor.finished() ? std::optional(moment) : std::nullopt;
}

// "Sun Nov  6 08:49:37 1994"
std::optional<Moment> parse_asctime(std::string_view text) {
    Cursor cursor(text);
    Moment moment;
    cursor.one_of(days, 3);
    cursor.expect(" ");
    moment.month = cursor.one_of(months, 3);
    cursor.expect(" ");
    moment.day = cursor.padded_number();
    cursor.expect(" ");
    take_time(cursor, moment);
    cursor.expect(" ");
    moment.year = cursor.number(4);
    return cursor.finished() ? std::optional(moment) : std::nullopt;
}

}  // namespace

std::string_view write_date(std::int64_t unix_seconds, std::span<char, date_octets> out) noexcept {
    const std::chrono::sys_seconds time(
        std::chrono::seconds(std::clamp(unix_seconds, unix_seconds_min, unix_seconds_max)));
    const std::chrono::sys_days day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const auto second = static_cast<unsigned>((time - day).count());

    constexpr std::string_view shape = "Sun, 06 Nov 1994 08:49:37 GMT";
    static_assert(shape.size() == date_octets);
    std::ranges::copy(shape, out.begin());
    std::ranges::copy(days[std::chrono::weekday(day).c_encoding()].substr(0, 3), out.begin());
    put_digits(&out[5], 2, static_cast<unsigned>(date.day()));
    std::ranges::copy(months[static_cast<unsigned>(date.month()) - 1], out.begin() + 8);
    put_digits(&out[12], 4, static_cast<unsigned>(static_cast<int>(date.year())));
    put_digits(&out[17], 2, second / 3600);
    put_digits(&out[20], 2, second / 60 % 60);
    put_digits(&out[23], 2, second % 60);
    return {out.data(), out.size()};
}

std::optional<std::int64_t> parse_date(std::string_view text,
                                       std::int64_t now_unix_seconds) noexcept {
    std::optional<Moment> moment = parse_fixed(text);
    if (!moment) {
        moment = parse_rfc850(text, now_unix_seconds);
    }
    if (!moment) {
        moment = parse_asctime(text);
    }
    return moment ? unix_seconds_of(*moment) : std::nullopt;
}

}  // namespace sluice::http
