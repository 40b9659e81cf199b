#include "sluice/http/chunked_decoder.h"

#include "sluice/http/octets.h"
#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <utility>

namespace sluice::http {

namespace {

// Sixteen digits fill 64 bits. One more could wrap the size, and even as a leading zero it would
// let a peer send a size that never ends.
constexpr std::uint8_t size_digits_max = 16;

}  // namespace

Result<ChunkedDecoder::Step> ChunkedDecoder::decode(std::span<const std::byte> input) {
    ensure(state_ != State::finished);
    ensure(state_ != State::failed);

    Step step;
    while (step.consumed < input.size() && state_ != State::finished) {
        if (state_ == State::data) {
            const std::span rest = input.subspan(step.consumed);
            const std::uint64_t run = std::min<std::uint64_t>(rest.size(), chunk_octets_left_);
            step.content = rest.first(run);
            step.consumed += run;
            octets_ += run;
            chunk_octets_left_ -= run;
            state_ = chunk_octets_left_ == 0 ? State::data_cr : State::data;
            break;
        }
        const char octet = static_cast<char>(input[step.consumed]);
        if (const Result<void> accepted = accept(octet); !accepted) {
            return std::unexpected(accepted.error());
        }
        ++step.consumed;
        ++octets_;
    }
    step.finished = state_ == State::finished;

    ensure(step.consumed <= input.size());
    return step;
}

// Advances over one octet of the coding. State::data never comes here.
Result<void> ChunkedDecoder::accept(char octet) {
    switch (state_) {
        case State::size: return accept_size(octet);
        case State::extension:
        case State::extension_name:
        case State::extension_value:
        case State::extension_token:
        case State::extension_quote:
        case State::extension_pair:
        case State::extension_end: return accept_extension(octet);
        case State::line_lf: return accept_line_end(octet);

        case State::data_cr:
            if (octet != '\r') {
                return fail(Errc::chunk_malformed);
            }
            state_ = State::data_lf;
            return {};

        case State::data_lf:
            if (octet != '\n') {
                return fail(Errc::chunk_malformed);
            }
            state_ = State::size;
            size_digits_ = 0;
            return {};

        case State::data:
        case State::finished:
        case State::failed: break;
    }
    std::unreachable();
}

Result<void> ChunkedDecoder::accept_size(char octet) {
    if (const int digit = hex_value(octet); digit >= 0) {
        if (size_digits_ == size_digits_max) {
            return fail(Errc::chunk_malformed);
        }
        ++size_digits_;
        chunk_octets_left_ = chunk_octets_left_ << 4 | static_cast<std::uint64_t>(digit);
        return {};
    }
    if (size_digits_ > 0 && octet == '\r') {
        state_ = State::line_lf;
        return {};
    }
    if (size_digits_ > 0 && octet == ';') {
        state_ = State::extension;
        return {};
    }
    return fail(Errc::chunk_malformed);
}

// Extensions are checked and bounded, and mean nothing here.
Result<void> ChunkedDecoder::accept_extension(char octet) {
    const State next = after_extension(state_, octet);
    if (next == State::failed) {
        return fail(Errc::chunk_malformed);
    }
    if (next != State::line_lf) {
        if (extension_octets_left_ == 0) {
            return fail(Errc::chunk_extension_too_large);
        }
        --extension_octets_left_;
    }
    state_ = next;
    return {};
}

ChunkedDecoder::State ChunkedDecoder::after_extension(State state, char octet) noexcept {
    const bool is_text = find_control({&octet, 1}) != 0;
    switch (state) {
        case State::extension: return is_token_octet(octet) ? State::extension_name : State::failed;

        case State::extension_value:
            if (octet == '"') {
                return State::extension_quote;
            }
            return is_token_octet(octet) ? State::extension_token : State::failed;

        case State::extension_quote:
            if (octet == '"') {
                return State::extension_end;
            }
            if (octet == '\\') {
                return State::extension_pair;
            }
            return is_text ? State::extension_quote : State::failed;

        case State::extension_pair: return is_text ? State::extension_quote : State::failed;

        default: break;
    }
    // A name, a token or a quoted string was read; it goes on, or something follows it.
    if (octet == ';') {
        return State::extension;
    }
    if (octet == '\r') {
        return State::line_lf;
    }
    if (state == State::extension_name && octet == '=') {
        return State::extension_value;
    }
    return state != State::extension_end && is_token_octet(octet) ? state : State::failed;
}

Result<void> ChunkedDecoder::accept_line_end(char octet) {
    if (octet != '\n') {
        return fail(Errc::chunk_malformed);
    }
    if (chunk_octets_left_ > content_octets_left_) {
        return fail(Errc::content_too_large);
    }
    content_octets_left_ -= chunk_octets_left_;
    state_ = chunk_octets_left_ == 0 ? State::finished : State::data;
    return {};
}

Result<void> ChunkedDecoder::fail(Errc code) {
    state_ = State::failed;
    return std::unexpected(Error{code, octets_});
}

}  // namespace sluice::http
