#include "sluice/http/outbox.h"

#include "sluice/http/progress.h"
#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sluice::http {

Block::Block(std::size_t capacity)
    : octets_(std::make_unique_for_overwrite<char[]>(capacity)), capacity_(capacity) {}

void Block::grow(std::size_t octets) {
    Block larger(std::max(2 * capacity_, size_ + octets));
    std::copy_n(octets_.get(), size_, larger.octets_.get());
    larger.size_ = size_;
    *this = std::move(larger);
}

Block BlockPool::take() {
    if (blocks_.empty()) {
        return Block(block_octets);
    }
    Block block = std::move(blocks_.back());
    blocks_.pop_back();
    return block;
}

void BlockPool::give_back(Block block) noexcept {
    // A block that had to grow for one large head is not kept at that size.
    if (blocks_.size() < kept_max && block.capacity() < 2 * block_octets) {
        block.drop_back(block.size());
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

void Outbox::need_block() {
    if (!block_.exists()) {
        block_ = blocks_.take();
    }
}

std::span<char> Outbox::reserve(std::size_t octets_max) {
    need_block();
    return block_.room(octets_max);
}

void Outbox::commit(Outcome& outcome, OctetKind kind, std::size_t octets) {
    ensure(octets <= block_.capacity() - block_.size());
    block_.add(octets);
    book(outcome, kind, octets);
}

void Outbox::commit_message(Outcome& outcome, std::size_t head_octets, std::size_t content_octets) {
    ensure(head_octets > 0);
    ensure(head_octets + content_octets <= block_.capacity() - block_.size());
    block_.add(head_octets + content_octets);
    push({&outcome, head_octets, content_octets, OctetKind::head, OctetKind::content, true});
}

void Outbox::append(Outcome& outcome, OctetKind kind, std::string_view octets) {
    const std::span<char> room = reserve(octets.size());
    std::copy(octets.begin(), octets.end(), room.begin());
    commit(outcome, kind, octets.size());
}

void Outbox::book(Outcome& outcome, OctetKind kind, std::uint64_t octets) {
    if (!empty()) {
        Segment& last = segments_.back();
        if (last.outcome == &outcome && !last.ends_message) {
            if (last.octets_behind == 0 && last.kind == kind) {
                last.octets += octets;
                return;
            }
            if (last.octets_behind == 0 || last.kind_behind == kind) {
                last.octets_behind += octets;
                last.kind_behind = kind;
                return;
            }
        }
    }
    push({&outcome, octets, 0, kind, kind, false});
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
    push({&outcome, 0, 0, OctetKind::framing, OctetKind::framing, true});
    pass_ended_messages();
}

void Outbox::abandon_message(const Outcome& outcome) noexcept {
    const auto take_back = [this](std::uint64_t& octets) {
        const auto taken_back = std::min<std::uint64_t>(octets, block_.size());
        block_.drop_back(taken_back);
        octets -= taken_back;
    };
    while (!empty() && !block_.empty() && segments_.back().outcome == &outcome) {
        Segment& last = segments_.back();
        take_back(last.octets_behind);
        if (last.octets_behind == 0) {
            take_back(last.octets);
        }
        if (last.octets > 0) {
            return;  // Its beginning is being sent.
        }
        segments_.pop_back();
    }
    forget_passed();
}

// Now and then, since to forget each as it passes would move those behind it. Of an outbox with
// nothing left, the memory goes to one that has something to send.
void Outbox::forget_passed() noexcept {
    if (!empty()) {
        if (segments_first_ >= passed_segments_max) {
            segments_.erase(segments_.begin(),
                            segments_.begin() + static_cast<std::ptrdiff_t>(segments_first_));
            segments_first_ = 0;
        }
        return;
    }
    segments_first_ = 0;
    if (segments_.capacity() > 0) {
        blocks_.give_back(std::exchange(segments_, {}));
    }
}

void Outbox::flush_soon() {
    if (!block_.empty() && !sending_ && !flush_spawned_ && !error_) {
        flush_spawned_ = true;
        scope_.spawn(send_block({}));
    }
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
    sending_ = true;  // Now: a flush that was asked for may run before what is awaited begins.
    book(outcome, OctetKind::content, content.size());
    co_await send_block(content);
    if (error_) {
        co_return std::unexpected(*error_);
    }
    co_return sluice::Result<void>();
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

// With `content` its writer has seen to it that nothing else is sent; without, it was only asked
// for.
Task<> Outbox::send_block(std::span<const std::byte> content) {
    if (content.empty()) {
        flush_spawned_ = false;
        if (block_.empty() || sending_ || error_) {
            sent_.set();
            co_return;
        }
        sending_ = true;
    }
    Block block = std::exchange(block_, Block());
    std::array<iovec, 2> parts{
        iovec{block.data(), block.size()},
        iovec{const_cast<std::byte*>(content.data()), content.size()},
    };
    const Context context = co_await this_task();
    StallGuard guard(loop_, transport_, context.stop, stall_max_);
    // One part is cheaper than two of which one is empty.
    const std::span<iovec> filled = std::span(parts).first(content.empty() ? 1 : parts.size());
    Under<sluice::Result<std::uint64_t>> sending(&guard.stop(), transport_.send(filled));
    sluice::Result<std::uint64_t> sent = co_await sending;
    guard.explain(sent);
    if (block.exists()) {
        blocks_.give_back(std::move(block));
    }
    sending_ = false;
    if (!sent) {
        error_ = sent.error();
    }
    accepted(sent ? *sent : sent.error().octets_done);
    if (!sent && content.empty()) {
        listener_.sending_failed(*error_);  // Who writes content learns it from write().
    }
    sent_.set();
    flush_soon();  // What was appended meanwhile.
}

void Outbox::accepted(std::uint64_t octets) noexcept {
    const Instant now = loop_.now();
    while (octets > 0) {
        ensure(!empty());
        Segment& segment = segments_[segments_first_];
        const std::uint64_t booked = std::min(octets, segment.octets);
        accepted_by(segment, booked, now);
        segment.octets -= booked;
        octets -= booked;
        if (segment.octets > 0) {
            return;
        }
        if (segment.kind == OctetKind::head) {
            segment.outcome->send.phase = SendPhase::head_sent;
        }
        if (segment.octets_behind > 0) {
            segment.octets = std::exchange(segment.octets_behind, 0);
            segment.kind = segment.kind_behind;
            continue;
        }
        pass_ended_messages();
    }
}

void Outbox::accepted_by(const Segment& segment, std::uint64_t octets, Instant now) noexcept {
    Outcome& outcome = *segment.outcome;
    if (outcome.times.first_byte_out == never) {
        outcome.times.first_byte_out = now;
    }
    outcome.times.last_byte_out = now;
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

// Lets go of the segments of which nothing is left, and tells of the messages that end with them.
void Outbox::pass_ended_messages() noexcept {
    while (!empty() && segments_[segments_first_].octets == 0) {
        const Segment& passed = segments_[segments_first_];
        Outcome& outcome = *passed.outcome;
        const bool ends_message = passed.ends_message;
        ++segments_first_;
        forget_passed();
        if (ends_message) {
            outcome.send.phase = SendPhase::all_accepted;
            listener_.message_accepted(outcome);
        }
    }
}

}  // namespace sluice::http
