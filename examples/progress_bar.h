// ProgressBar: how far a transfer has got, for the person who watches a terminal.
//
//     [##############----------------]  47 %  120 MiB of 256 MiB  812 MiB/s
//
// Where nobody watches, because standard error is no terminal, it does nothing at all, so that logs
// and pipes carry no control characters.
//
// Completion:   Destruction clears the line.
// Threading:    The loop's thread.

#pragma once

#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/clock.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/task.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace sluice::examples {

class ProgressBar {
public:
    // Without `total` it tells how much there was so far.
    ProgressBar(Loop& loop, std::optional<std::uint64_t> total);
    ProgressBar(ProgressBar&&) = delete;
    ~ProgressBar();

    void add(std::uint64_t octets);

private:
    void draw();

    Loop& loop_;
    std::optional<std::uint64_t> total_;
    std::uint64_t done_ = 0;
    Instant began_;
    Instant due_;
    bool watched_;
    bool drawn_ = false;
};

// Passes a source on, and moves the bar by what is read.
class ProgressSource final : public ByteSource {
public:
    ProgressSource(ByteSource& from, ProgressBar& bar) noexcept : from_(from), bar_(bar) {}

    Task<Result<std::span<const std::byte>>> read() override {
        const Result<std::span<const std::byte>> octets = co_await from_.read();
        bar_.add(octets ? octets->size() : 0);
        co_return octets;
    }

private:
    ByteSource& from_;
    ProgressBar& bar_;
};

// "256 MiB", "1.5 GiB", "17 octets".
[[nodiscard]] std::string octets_for_people(std::uint64_t octets);

// As octets_for_people(), a second: "812 MiB/s".
[[nodiscard]] std::string rate_for_people(std::uint64_t octets, Duration duration);

}  // namespace sluice::examples
