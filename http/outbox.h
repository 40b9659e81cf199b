// Outbox: what one connection has to send, in order, and whose octets they are.
//
// Small pieces (heads, chunk lines, short content) are copied together and leave in the background,
// so that many pipelined responses cost one send; large content is sent from where it lies, and its
// writer waits. Every octet is booked to an exchange, a kind and a direction when the kernel
// accepts it and not before: that is what makes an outcome's counters exact, wherever a send broke
// off.
//
// Ownership:    Borrows the transport and the scope that runs its background sends. Outcomes given
//               to it outlive their octets. Content given to write() stays until it completes.
// Completion:   write() and drained() complete when the kernel has accepted everything up to there.
// Cancellation: A stop during a send leaves a message in pieces: the outbox then fails for good.
// Errors:       The first failure is final; what was not accepted never will be. A peer that takes
//               nothing for `stall_max` fails it with timed_out.
// Threading:    The loop's thread; one writer at a time.

#pragma once

#include "sluice/http/outcome.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/task.h"
#include "sluice/runtime/transport.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace sluice::http {

enum class OctetKind : std::uint8_t { interim, head, content, framing };

// Told of what happens in the background.
class OutboxListener {
public:
    // A message's last octet was accepted: its send facts say all_accepted. It may append more.
    virtual void message_accepted(Outcome& outcome) noexcept = 0;

    // A send that nobody waits for failed. Bookkeeping only.
    virtual void sending_failed(const sluice::Error&) noexcept {}

protected:
    ~OutboxListener() = default;
};

// Octets of one message that the kernel has not accepted: a run of one kind, and perhaps one of
// another behind it, as a head and its content are.
struct Segment {
    Outcome* outcome;
    std::uint64_t octets;
    std::uint64_t octets_behind;
    OctetKind kind;
    OctetKind kind_behind;
    bool ends_message;
};

// Octets to send, written in place.
class Block {
public:
    Block() noexcept = default;
    explicit Block(std::size_t capacity);

    [[nodiscard]] bool exists() const noexcept { return octets_ != nullptr; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] char* data() const noexcept { return octets_.get(); }

    // Room behind what is there, for add().
    [[nodiscard]] std::span<char> room(std::size_t octets) {
        if (octets > capacity_ - size_) [[unlikely]] {
            grow(octets);
        }
        return {octets_.get() + size_, octets};
    }
    void add(std::size_t octets) noexcept { size_ += octets; }
    void drop_back(std::size_t octets) noexcept { size_ -= octets; }

private:
    void grow(std::size_t octets);

    std::unique_ptr<char[]> octets_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

// Memory that the connections of one loop take while they have something to send, and only then.
class BlockPool {
public:
    static constexpr std::size_t block_octets = 16 * 1024;

    [[nodiscard]] Block take();
    [[nodiscard]] std::vector<Segment> take_segments();
    void give_back(Block block) noexcept;
    void give_back(std::vector<Segment> segments) noexcept;

private:
    static constexpr std::size_t kept_max = 256;
    std::vector<Block> blocks_;
    std::vector<std::vector<Segment>> segments_;
};

class Outbox {
public:
    // Content up to this size is copied: cheaper than a send of its own.
    static constexpr std::size_t copied_content_max = 4 * 1024;

    Outbox(Loop& loop, Scope& scope, BlockPool& blocks, Transport& transport,
           OutboxListener& listener, Duration stall_max) noexcept
        : loop_(loop),
          scope_(scope),
          blocks_(blocks),
          transport_(transport),
          listener_(listener),
          stall_max_(stall_max) {}
    Outbox(Outbox&&) = delete;
    ~Outbox();

    // Room for `octets_max` more; append what was written there with commit(), before anything else
    // is.
    [[nodiscard]] std::span<char> reserve(std::size_t octets_max);
    void commit(Outcome& outcome, OctetKind kind, std::size_t octets);
    // The same of a whole message: a head and its content.
    void commit_message(Outcome& outcome, std::size_t head_octets, std::size_t content_octets);
    void append(Outcome& outcome, OctetKind kind, std::string_view octets);

    // The message that was being appended ends here.
    void end_message(Outcome& outcome);

    // The message that was being appended will not end: forgets what of it is not being sent.
    void abandon_message(const Outcome& outcome) noexcept;

    // Sends what was appended, without a wait.
    void flush_soon();

    // Sends what was appended and then `content`; short content is only appended, and waits in
    // flush_soon() for company, unless that has grown too much.
    [[nodiscard]] Task<sluice::Result<void>> write(Outcome& outcome,
                                                   std::span<const std::byte> content);

    // Waits until everything appended is accepted.
    [[nodiscard]] Task<sluice::Result<void>> drained();

    // Whether nothing is waiting to be accepted.
    [[nodiscard]] bool empty() const noexcept { return segments_first_ == segments_.size(); }
    // Whether so much was appended that more should wait for drained(): a peer that asks without
    // reading must not make us hold the answers.
    [[nodiscard]] bool crowded() const noexcept { return block_.size() >= BlockPool::block_octets; }
    [[nodiscard]] const std::optional<sluice::Error>& error() const noexcept { return error_; }

private:
    // Segments of which nothing is left, before they are forgotten.
    static constexpr std::size_t passed_segments_max = 256;

    void need_block();
    void book(Outcome& outcome, OctetKind kind, std::uint64_t octets);
    void push(const Segment& segment);
    void accepted(std::uint64_t octets) noexcept;
    void accepted_by(const Segment& segment, std::uint64_t octets, Instant now) noexcept;
    void pass_ended_messages() noexcept;
    void forget_passed() noexcept;
    [[nodiscard]] Task<> send_block(std::span<const std::byte> content);

    Loop& loop_;
    Scope& scope_;
    BlockPool& blocks_;
    Transport& transport_;
    OutboxListener& listener_;
    Duration stall_max_;
    Block block_;  // What was appended and is not being sent.
    std::vector<Segment> segments_;
    std::size_t segments_first_ = 0;
    std::optional<sluice::Error> error_;
    bool sending_ = false;
    bool flush_spawned_ = false;
    Event sent_;
};

}  // namespace sluice::http
