#include "sluice/tls/record_reader.h"

#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sluice::tls {

void RecordReader::gather(Received& input) {
    const std::size_t missing = std::min(header_octets - header_size_, input.size());
    if (missing > 0) {
        std::memcpy(header_.data() + header_size_, input.octets().data(), missing);
        header_size_ += static_cast<std::uint8_t>(missing);
        input.drop_front(missing);
    }
    if (header_size_ == header_octets) {
        has_record_ = is_too_long() || kept_octets_ + input.size() >= body_octets();
        if (has_record_) {
            return;
        }
        if (!input.empty()) {
            if (kept_octets_ == 0) {
                kept_ = BulkBuffer(body_octets());
            }
            std::memcpy(kept_.octets().data() + kept_octets_, input.octets().data(), input.size());
            kept_octets_ += input.size();
        }
    }
    input.let_go();
}

std::size_t RecordReader::body_octets() const noexcept {
    return std::to_integer<std::size_t>(header_[3]) << 8 | std::to_integer<std::size_t>(header_[4]);
}

std::size_t RecordReader::room() const noexcept {
    return is_too_long() ? 0 : body_octets() - std::min(body_octets(), RecordCipher::tag_octets);
}

RecordCipher::Body RecordReader::body(const Received& input) const noexcept {
    return {std::span<const std::byte>(kept_.octets()).first(kept_octets_),
            std::span<const std::byte>(input.octets()).first(body_octets() - kept_octets_)};
}

std::expected<RecordReader::Record, Refusal> RecordReader::open(const Received& input,
                                                                std::span<std::byte> into) {
    // Nothing is said in the clear any more; TLS 1.2's version is there for old middleboxes.
    if (header_[0] != std::byte{SSL3_RT_APPLICATION_DATA}) {
        return std::unexpected(Refusal{Alert::unexpected_message, "a record that is not sealed"});
    }
    if (is_too_long()) {
        return std::unexpected(Refusal{Alert::record_overflow, "a record that is too long"});
    }
    ensure(into.size() >= room());
    if (body_octets() < RecordCipher::tag_octets ||
        !cipher_.open(header_, body(input), into.data())) {
        return std::unexpected(Refusal{Alert::bad_record_mac, "a record that was altered"});
    }
    std::size_t size = room();
    if (size > content_octets_max + 1) {
        return std::unexpected(Refusal{Alert::record_overflow, "too much in a record"});
    }
    // Behind the type is padding.
    while (size > 0 && into[size - 1] == std::byte{0}) {
        --size;
    }
    if (size == 0) {
        return std::unexpected(Refusal{Alert::unexpected_message, "a record of no type"});
    }
    return Record{std::to_integer<std::uint8_t>(into[size - 1]), into.first(size - 1)};
}

void RecordReader::drop_record(Received& input) noexcept {
    input.drop_front(body_octets() - kept_octets_);
    kept_ = BulkBuffer();
    kept_octets_ = 0;
    header_size_ = 0;
    has_record_ = false;
    gather(input);
}

}  // namespace sluice::tls
