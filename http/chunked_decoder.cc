#include "sluice/http/chunked_decoder.h"

#include "sluice/http/octets.h"
#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <utility>

namespace sluice::http {

namespace {

// Sixteen digits fill 64 bits. One more could wrap the size, and even as a leading zero it would let
// a peer send a size that never ends.
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
        case State::extension: return accept_extension(octet);
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

Result<void> ChunkedDecoder::accept_extension(char octet) {
    if (octet == '\r') {
        state_ = State::line_lf;
        return {};
    }
    if (find_control({&octet, 1}) == 0) {
        return fail(Errc::chunk_malformed);
    }
    if (extension_octets_left_ == 0) {
        return fail(Errc::chunk_extension_too_large);
    }
    --extension_octets_left_;
    return {};
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
