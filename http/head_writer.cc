#include "sluice/http/head_writer.h"

#include "sluice/http/date.h"
#include "sluice/http/octets.h"
#include "sluice/runtime/ensure.h"

#include <charconv>
#include <cstring>

namespace sluice::http {

namespace {

// A head is emitted twice by the same code, to be measured and to be written, so that the two can
// never differ.
class Measure {
public:
    void put(std::string_view text) noexcept { octets_ += text.size(); }
    void put_decimal(std::uint64_t, std::size_t digits) noexcept { octets_ += digits; }
    [[nodiscard]] std::size_t octets() const noexcept { return octets_; }

private:
    std::size_t octets_ = 0;
};

class Copy {
public:
    explicit Copy(std::span<char> out) noexcept
        : begin_(out.data()), at_(begin_), end_(begin_ + out.size()) {}

    // Inlined, so that a text of known size takes a few stores and no call.
    [[gnu::always_inline]] void put(std::string_view text) noexcept {
        need(text.size());
        if (!text.empty()) {
            std::memcpy(at_, text.data(), text.size());
            at_ += text.size();
        }
    }
    [[gnu::always_inline]] void put_decimal(std::uint64_t number, std::size_t digits) noexcept {
        need(digits);
        at_ += digits;
        char* digit = at_;
        for (std::size_t left = digits; left > 0; --left, number /= 10) {
            *--digit = static_cast<char>('0' + number % 10);
        }
    }
    [[nodiscard]] std::size_t octets() const noexcept {
        return static_cast<std::size_t>(at_ - begin_);
    }

private:
    void need(std::size_t octets) const noexcept {
        ensure(octets <= static_cast<std::size_t>(end_ - at_));
    }

    char* begin_;
    char* at_;
    char* end_;
};

template <typename Out>
void put_number(Out& out, std::uint64_t number) {
    std::size_t digits = 1;
    for (std::uint64_t rest = number; rest >= 10; rest /= 10) {
        ++digits;
    }
    out.put_decimal(number, digits);
}

template <typename Out>
void put_field(Out& out, std::string_view name, std::string_view value) {
    out.put(name);
    out.put(": ");
    out.put(value);
    out.put(line_end);
}

template <typename Out>
void put_length(Out& out, std::uint64_t octets) {
    out.put("Content-Length: ");
    put_number(out, octets);
    out.put(line_end);
}

template <typename Out>
void put_connection(Out& out, Connection connection, std::string_view upgrade) {
    switch (connection) {
        case Connection::unsaid: break;
        case Connection::close: out.put("Connection: close\r\n"); break;
        case Connection::keep_alive: out.put("Connection: keep-alive\r\n"); break;
        case Connection::upgrade:
            out.put("Connection: upgrade\r\n");
            put_field(out, "Upgrade", upgrade);
            break;
    }
}

template <typename Out>
void put_framing(Out& out, const RequestHead& head) {
    switch (head.framing.kind) {
        case Framing::Kind::none:
            if (expects_content(head.method)) {
                put_length(out, 0);
            }
            break;
        case Framing::Kind::length: put_length(out, head.framing.length); break;
        case Framing::Kind::chunked: out.put("Transfer-Encoding: chunked\r\n"); break;
        case Framing::Kind::upgrade: break;
        case Framing::Kind::close: ensure(false); break;  // A request cannot end with its stream.
    }
}

template <typename Out>
void put_framing(Out& out, const ResponseHead& head) {
    const bool may_say = may_have_length(head.status, head.request_method);
    switch (head.framing.kind) {
        case Framing::Kind::none:
            if (may_have_content(head.status, head.request_method)) {
                put_length(out, 0);  // Without it, the stream's end would be the content's.
            }
            break;
        case Framing::Kind::length:
            if (may_say) {
                put_length(out, head.framing.length);
            }
            break;
        case Framing::Kind::chunked:
            if (may_say) {
                out.put("Transfer-Encoding: chunked\r\n");
            }
            break;
        case Framing::Kind::close:
        case Framing::Kind::upgrade: break;
    }
}

// The codes that are sent most have whole lines, of sizes known here.
template <typename Out>
void put_status_line(Out& out, Status status) {
    switch (status) {
        case Status::ok: out.put("HTTP/1.1 200 OK\r\n"); return;
        case Status::created: out.put("HTTP/1.1 201 Created\r\n"); return;
        case Status::no_content: out.put("HTTP/1.1 204 No Content\r\n"); return;
        case Status::partial_content: out.put("HTTP/1.1 206 Partial Content\r\n"); return;
        case Status::not_modified: out.put("HTTP/1.1 304 Not Modified\r\n"); return;
        case Status::not_found: out.put("HTTP/1.1 404 Not Found\r\n"); return;
        default: break;
    }
    ensure(code_of(status) >= 100);
    ensure(code_of(status) <= 999);
    out.put("HTTP/1.1 ");
    put_number(out, code_of(status));
    out.put(" ");
    out.put(reason_of(status));
    out.put(line_end);
}

template <typename Out>
void emit(Out& out, const RequestHead& head) {
    const std::string_view method =
        head.method == Method::other ? head.method_text : token_of(head.method);
    out.put(method);
    out.put(" ");
    out.put(head.target);
    out.put(" HTTP/1.1\r\n");
    put_field(out, "Host", head.host);
    if (head.fields != nullptr) {
        out.put(head.fields->wire());
    }
    put_framing(out, head);
    if (head.expect_continue) {
        out.put("Expect: 100-continue\r\n");
    }
    put_connection(out, head.connection, head.upgrade);
    out.put(line_end);
}

template <typename Out>
void emit(Out& out, const ResponseHead& head) {
    put_status_line(out, head.status);
    if (!head.date.empty() && (head.fields == nullptr || !head.fields->find("date"))) {
        put_field(out, "Date", {head.date.data(), date_octets});  // Of a size known here.
    }
    if (head.fields != nullptr) {
        out.put(head.fields->wire());
    }
    put_framing(out, head);
    const bool must_close = head.framing.kind == Framing::Kind::close;
    put_connection(out, must_close ? Connection::close : head.connection, head.upgrade);
    out.put(line_end);
}

// What a caller hands in as text must not be able to end a line. A Fields cannot.
void check(const RequestHead& head) {
    ensure(head.method != Method::other || is_token(head.method_text));
    ensure(!head.target.empty());
    ensure(find_outside_target(head.target) == std::string_view::npos);
    ensure(find_control(head.host) == std::string_view::npos);
    ensure(find_control(head.upgrade) == std::string_view::npos);
}

void check(const ResponseHead& head) {
    ensure(head.date.size() == date_octets || head.date.empty());
    ensure(find_control(head.upgrade) == std::string_view::npos);
}

template <typename Head>
std::size_t measure(const Head& head) {
    Measure out;
    emit(out, head);
    return out.octets();
}

template <typename Head>
std::size_t copy(const Head& head, std::span<char> to) {
    check(head);
    Copy out(to);
    emit(out, head);
    return out.octets();
}

template <typename Head>
void append(const Head& head, std::string& to) {
    const std::size_t before = to.size();
    to.resize(before + measure(head));
    copy(head, std::span(to).subspan(before));
}

}  // namespace

std::size_t octets_of(const RequestHead& head) noexcept {
    return measure(head);
}

std::size_t octets_of(const ResponseHead& head) noexcept {
    return measure(head);
}

std::size_t octets_max_of(const ResponseHead& head) noexcept {
    // A status line, Date, a framing field, Connection and Upgrade need less.
    constexpr std::size_t own_lines_octets_max = 256;
    const std::size_t fields_octets = head.fields == nullptr ? 0 : head.fields->wire().size();
    return own_lines_octets_max + head.upgrade.size() + fields_octets;
}

std::size_t write_head(const RequestHead& head, std::span<char> out) noexcept {
    return copy(head, out);
}

std::size_t write_head(const ResponseHead& head, std::span<char> out) noexcept {
    return copy(head, out);
}

void append_head(const RequestHead& head, std::string& out) {
    append(head, out);
}

void append_head(const ResponseHead& head, std::string& out) {
    append(head, out);
}

std::string_view chunk_head(std::uint64_t octets,
                            std::span<char, chunk_head_octets_max> out) noexcept {
    ensure(octets != 0);
    char* const digits_end = out.data() + (chunk_head_octets_max - line_end.size());
    const auto [end, error] = std::to_chars(out.data(), digits_end, octets, 16);
    ensure(error == std::errc());
    std::memcpy(end, line_end.data(), line_end.size());
    return {out.data(), end + line_end.size()};
}

std::size_t last_chunk_octets(const Fields& trailers) noexcept {
    return last_chunk.size() + trailers.wire().size();
}

std::size_t write_last_chunk(const Fields& trailers, std::span<char> out) noexcept {
    Copy copied(out);
    copied.put("0\r\n");
    copied.put(trailers.wire());
    copied.put(line_end);
    return copied.octets();
}

}  // namespace sluice::http
