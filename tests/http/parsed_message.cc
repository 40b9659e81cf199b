#include "sluice/tests/http/parsed_message.h"

#include "sluice/http/octets.h"
#include "sluice/tests/catch.h"

#include <algorithm>
#include <memory>
#include <span>

namespace sluice::tests {

namespace {

class Reader {
public:
    Reader(http::MessageParser& parser, bool is_request)
        : parser_(parser), is_request_(is_request) {}

    ParsedMessage read(const Pieces& pieces) {
        for (std::span<const std::byte> piece : pieces) {
            if (!message_.failure && !message_.head_complete) {
                piece = take_head(piece);
            }
            if (!message_.failure && message_.head_complete) {
                take_content(piece);
            }
        }
        return std::move(message_);
    }

private:
    // Gives back what lies behind the head.
    std::span<const std::byte> take_head(std::span<const std::byte> piece) {
        const std::size_t gathered = head_.size();
        std::vector<std::byte> grown(head_);
        grown.insert(grown.end(), piece.begin(), piece.end());
        head_ = std::move(grown);

        const http::Result<http::MessageParser::HeadStep> step = parser_.feed_head(head_);
        if (!step) {
            fail(step.error());
            return {};
        }
        if (!step->complete) {
            CHECK(step->consumed == head_.size());
            return {};
        }
        CHECK(step->consumed > gathered);
        CHECK(step->consumed <= head_.size());
        std::vector<std::byte> moved(head_.begin(),
                                     head_.begin() + static_cast<std::ptrdiff_t>(step->consumed));
        head_ = std::move(moved);
        parser_.moved_to(head_.data());
        note_head();
        return piece.subspan(step->consumed - gathered);
    }

    void note_head() {
        message_.head_complete = true;
        message_.head_octets = parser_.head_octets();
        message_.method = parser_.method();
        message_.framing = parser_.framing();
        message_.version_minor = parser_.version_minor();
        message_.keep_alive = parser_.keep_alive();
        message_.expect_continue = parser_.expect_continue();
        message_.upgrade = parser_.upgrade();
        message_.fields = list_of(parser_.fields());
        if (is_request_) {
            message_.method_text = parser_.method_text();
            message_.target = parser_.target();
            message_.target_form = parser_.target_form();
            message_.authority = parser_.authority();
        } else {
            message_.status = parser_.status();
            message_.reason = parser_.reason();
        }
        length_left_ = parser_.framing().length;
        message_.finished = parser_.framing().ends_with_head();
    }

    void take_content(std::span<const std::byte> piece) {
        switch (message_.framing.kind) {
            case http::Framing::Kind::length: piece = take_length(piece); break;
            case http::Framing::Kind::chunked: piece = take_chunked(piece); break;
            case http::Framing::Kind::close:
                message_.content += http::text_of(piece);
                piece = {};
                break;
            case http::Framing::Kind::none:
            case http::Framing::Kind::upgrade: break;
        }
        message_.rest += http::text_of(piece);
    }

    std::span<const std::byte> take_length(std::span<const std::byte> piece) {
        const std::size_t run = std::min<std::uint64_t>(piece.size(), length_left_);
        message_.content += http::text_of(piece.first(run));
        length_left_ -= run;
        message_.finished = length_left_ == 0;
        return piece.subspan(run);
    }

    std::span<const std::byte> take_chunked(std::span<const std::byte> piece) {
        while (!piece.empty() && !message_.finished && !message_.failure) {
            const http::Result<http::MessageParser::BodyStep> step = parser_.feed_chunked(piece);
            if (!step) {
                fail(step.error());
                return {};
            }
            CHECK(step->consumed > 0);
            message_.content += http::text_of(step->content);
            message_.finished = step->finished;
            if (step->finished) {
                message_.trailers = list_of(parser_.trailers());
            }
            piece = piece.subspan(step->consumed);
        }
        return piece;
    }

    static FieldList list_of(const http::FieldsView& fields) {
        FieldList list;
        for (const http::FieldView field : fields) {
            list.emplace_back(field.name, field.value);
        }
        return list;
    }

    void fail(const http::Error& error) {
        message_.failure = error.code;
        message_.failure_octet = error.octet;
        // How much content was seen before an error is a matter of where the reads fell.
        message_.content.clear();
    }

    http::MessageParser& parser_;
    bool is_request_;
    std::vector<std::byte> head_;
    std::uint64_t length_left_ = 0;
    ParsedMessage message_;
};

template <typename Parse>
ParsedMessage check_splits(std::string_view wire, Parse parse) {
    const std::span<const std::byte> octets = std::as_bytes(std::span(wire));
    const ParsedMessage whole = parse(Pieces{octets});
    for_each_split(octets, [&](const Pieces& pieces) {
        const ParsedMessage split = parse(pieces);
        INFO("wire: " << wire);
        INFO("pieces: " << pieces.size() << ", the first of " << pieces.front().size());
        CHECK(split.failure == whole.failure);
        CHECK(split.failure_octet == whole.failure_octet);
        CHECK(split == whole);
    });
    return whole;
}

}  // namespace

ParsedMessage parse_request(const Pieces& pieces, const http::Limits& limits) {
    http::MessageParser parser(limits);
    parser.begin_request();
    return Reader(parser, true).read(pieces);
}

ParsedMessage parse_response(const Pieces& pieces, http::Method request_method,
                             const http::Limits& limits) {
    http::MessageParser parser(limits);
    parser.begin_response(request_method);
    return Reader(parser, false).read(pieces);
}

ParsedMessage request_of(std::string_view wire, const http::Limits& limits) {
    return check_splits(wire, [&](const Pieces& pieces) { return parse_request(pieces, limits); });
}

ParsedMessage response_of(std::string_view wire, http::Method request_method,
                          const http::Limits& limits) {
    return check_splits(
        wire, [&](const Pieces& pieces) { return parse_response(pieces, request_method, limits); });
}

}  // namespace sluice::tests
