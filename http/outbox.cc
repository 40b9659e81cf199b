#include "sluice/http/outbox.h"

#include "sluice/http/progress.h"
#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::http {

std::string BlockPool::take() {
    if (blocks_.empty()) {
        std::string block;
        block.reserve(block_octets);
        return block;
    }
    std::string block = std::move(blocks_.back());
    blocks_.pop_back();
    return block;
}

void BlockPool::give_back(std::string block) noexcept {
    // A block that had to grow for one large head is not kept at that size.
    if (blocks_.size() < kept_max && block.capacity() < 2 * block_octets) {
        block.clear();
        blocks_.push_back(std::move(block));
    }
}

std::vector<Segment> BlockPool::take_segments() {
    if (segments_.empty()) {
        return {};
    }
    std::vector<Segment> segments = std::move(segments_.back());
    segments_.pop_back();
    return segments;
}

void BlockPool::give_back(std::vector<Segment> segments) noexcept {
    if (segments_.size() < kept_max) {
        segments.clear();
        segments_.push_back(std::move(segments));
    }
}

Outbox::~Outbox() {
    ensure(!sending_);
    ensure(!flush_spawned_);
}

std::span<char> Outbox::reserve(std::size_t octets_max) {
    if (block_.capacity() == std::string().capacity()) {
        block_ = blocks_.take();
    }
    reserved_at_ = block_.size();
    block_.resize(reserved_at_ + octets_max);
    return std::span(block_).subspan(reserved_at_);
}

void Outbox::commit(Outcome& outcome, OctetKind kind, std::size_t octets) {
    ensure(octets <= block_.size() - reserved_at_);
    block_.resize(reserved_at_ + octets);
    book(outcome, kind, octets);
}

void Outbox::append(Outcome& outcome, OctetKind kind, std::string_view octets) {
    if (block_.capacity() == std::string().capacity()) {
        block_ = blocks_.take();
    }
    block_.append(octets);
    book(outcome, kind, octets.size());
}

void Outbox::book(Outcome& outcome, OctetKind kind, std::uint64_t octets) {
    if (!empty()) {
        Segment& last = segments_.back();
        if (last.outcome == &outcome && last.kind == kind && !last.ends_message) {
            last.octets += octets;
            return;
        }
    }
    push({&outcome, octets, kind, false});
}

void Outbox::push(const Segment& segment) {
    if (segments_.capacity() == 0) {
        segments_ = blocks_.take_segments();
    }
    segments_.push_back(segment);
}

void Outbox::end_message(Outcome& outcome) {
    if (!empty() && segments_.back().outcome == &outcome) {
        segments_.back().ends_message = true;
        return;
    }
    // All its octets are accepted already: the end is news all the same.
    push({&outcome, 0, OctetKind::framing, true});
    pass_ended_messages();
}

void Outbox::abandon_message(const Outcome& outcome) noexcept {
    while (!empty() && !block_.empty() && segments_.back().outcome == &outcome) {
        Segment& last = segments_.back();
        const auto taken_back = std::min<std::uint64_t>(last.octets, block_.size());
        block_.resize(block_.size() - taken_back);
        last.octets -= taken_back;
        if (last.octets > 0) {
            return;  // Its beginning is being sent.
        }
        segments_.pop_back();
    }
    if (empty()) {
        forget_passed();
    }
}

// Of an outbox with nothing left, the memory goes to one that has something to send.
void Outbox::forget_passed() noexcept {
    segments_.erase(segments_.begin(),
                    segments_.begin() + static_cast<std::ptrdiff_t>(segments_first_));
    segments_first_ = 0;
    if (segments_.empty() && segments_.capacity() > 0) {
        blocks_.give_back(std::exchange(segments_, {}));
    }
}

void Outbox::flush_soon() {
    if (!block_.empty() && !sending_ && !flush_spawned_ && !error_) {
        flush_spawned_ = true;
        scope_.spawn(flush());
    }
}

Task<> Outbox::flush() {
    while (!block_.empty() && !sending_ && !error_) {
        const sluice::Result<void> sent = co_await send_block({});
        if (!sent) {
            listener_.sending_failed(sent.error());
            break;
        }
    }
    flush_spawned_ = false;
    sent_.set();
}

Task<sluice::Result<void>> Outbox::write(Outcome& outcome, std::span<const std::byte> content) {
    if (error_) {
        co_return std::unexpected(*error_);
    }
    if (content.size() <= copied_content_max && !crowded()) {
        const std::string_view octets(reinterpret_cast<const char*>(content.data()),
                                      content.size());
        append(outcome, OctetKind::content, octets);
        flush_soon();
        co_return sluice::Result<void>();
    }
    while (sending_) {
        sent_.reset();
        co_await sent_.wait_regardless();
    }
    if (error_) {
        co_return std::unexpected(*error_);
    }
    book(outcome, OctetKind::content, content.size());
    const sluice::Result<void> sent = co_await send_block(content);
    co_return sent;
}

Task<sluice::Result<void>> Outbox::drained() {
    while (!empty() && !error_) {
        flush_soon();
        sent_.reset();
        co_await sent_.wait_regardless();
    }
    if (error_) {
        co_return std::unexpected(*error_);
    }
    co_return sluice::Result<void>();
}

Task<sluice::Result<void>> Outbox::send_block(std::span<const std::byte> content) {
    sending_ = true;
    std::string block = std::exchange(block_, std::string());
    std::array<iovec, 2> parts{
        iovec{block.data(), block.size()},
        iovec{const_cast<std::byte*>(content.data()), content.size()},
    };
    const sluice::Result<std::uint64_t> sent =
        co_await send_with_progress(loop_, transport_, parts, stall_max_);
    if (block.capacity() != std::string().capacity()) {
        blocks_.give_back(std::move(block));
    }
    sending_ = false;
    if (!sent) {
        error_ = sent.error();
    }
    accepted(sent ? *sent : sent.error().octets_done);
    sent_.set();
    if (!sent) {
        co_return failed(sent);
    }
    flush_soon();  // What was appended meanwhile.
    co_return sluice::Result<void>();
}

void Outbox::accepted(std::uint64_t octets) noexcept {
    while (octets > 0) {
        ensure(!empty());
        Segment& segment = segments_[segments_first_];
        const std::uint64_t booked = std::min(octets, segment.octets);
        accepted_by(segment, booked);
        segment.octets -= booked;
        octets -= booked;
        if (segment.octets > 0) {
            return;
        }
        if (segment.kind == OctetKind::head) {
            segment.outcome->send.phase = SendPhase::head_sent;
        }
        pass_ended_messages();
    }
}

void Outbox::accepted_by(Segment& segment, std::uint64_t octets) noexcept {
    Outcome& outcome = *segment.outcome;
    if (outcome.times.first_byte_out == never) {
        outcome.times.first_byte_out = loop_.now();
    }
    outcome.times.last_byte_out = loop_.now();
    switch (segment.kind) {
        case OctetKind::interim: outcome.send.head += octets; return;
        case OctetKind::head:
            outcome.send.head += octets;
            outcome.send.phase = std::max(outcome.send.phase, SendPhase::head_partial);
            return;
        case OctetKind::content:
            outcome.send.body_accepted += octets;
            outcome.send.phase = SendPhase::body_partial;
            return;
        case OctetKind::framing:
            outcome.send.framing_octets += octets;
            outcome.send.phase = SendPhase::body_partial;
            return;
    }
}

// Now and then, that is: to forget each as it passes would move those behind it.
void Outbox::forget_segments(std::size_t passed) noexcept {
    if (passed == segments_.size()) {
        segments_.clear();
        segments_first_ = 0;
    } else if (passed == passed_segments_max) {
        segments_.erase(segments_.begin(), segments_.begin() + passed_segments_max);
        segments_first_ = 0;
    }
}

// Lets go of the segments of which nothing is left, and tells of the messages that end with them.
void Outbox::pass_ended_messages() noexcept {
    while (!empty() && segments_[segments_first_].octets == 0) {
        const Segment segment = segments_[segments_first_];
        ++segments_first_;
        if (segments_first_ == segments_.size() || segments_first_ == passed_segments_max) {
            forget_passed();
        }
        if (segment.ends_message) {
            segment.outcome->send.phase = SendPhase::all_accepted;
            listener_.message_accepted(*segment.outcome);
        }
    }
}

}  // namespace sluice::http
