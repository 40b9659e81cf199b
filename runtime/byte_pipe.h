// BytePipe: a ByteSink whose octets come out of a ByteSource, in the same loop.
//
// For an API that takes a source and a program that writes, and the other way round: nothing runs
// in between, and nothing is copied. The reader is lent what the writer wrote.
//
// Ownership:    Each end may be moved to its task, and outlives its calls. What is given to write()
//               is the reader's until its next read().
// Completion:   write() ends when the reader is done with the octets: its wait is the
//               back-pressure.
// Cancellation: A stop ends a write that the reader has not begun with; one that it has, ends well.
// Errors:       As of channels: the reader is told the end, `aborted` or `abandoned`; the writer,
//               `aborted` if the reader closed, `abandoned` if it was destroyed.

#pragma once

#include "sluice/runtime/await.h"
#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/channel.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/task.h"

#include <cstddef>
#include <span>
#include <utility>

namespace sluice {

// Octets on their way from one frame to another.
struct OctetLoan {
    std::span<const std::byte> octets;
    Event returned;
};

class PipeSink final : public ByteSink {
public:
    explicit PipeSink(Sender<OctetLoan*> loans) noexcept : loans_(std::move(loans)) {}

    Task<Result<void>> write(std::span<const std::byte> octets) override;
    Task<Result<void>> finish() override { return loans_.finish(); }
    void abort() noexcept override { loans_.abort(); }

private:
    Sender<OctetLoan*> loans_;
};

class PipeSource final : public ByteSource {
public:
    explicit PipeSource(Receiver<OctetLoan*> loans) noexcept : loans_(std::move(loans)) {}
    PipeSource(PipeSource&& other) noexcept
        : loans_(std::move(other.loans_)), lent_(std::exchange(other.lent_, nullptr)) {}
    PipeSource& operator=(PipeSource&&) = delete;
    ~PipeSource() override { give_back(); }

    Task<Result<std::span<const std::byte>>> read() override;

    // No more is wanted.
    [[nodiscard]] Task<> close();

private:
    void give_back() noexcept;

    Receiver<OctetLoan*> loans_;
    OctetLoan* lent_ = nullptr;
};

struct [[nodiscard]] BytePipe {
    explicit BytePipe(Channel<OctetLoan*> loans = rendezvous_channel<OctetLoan*>()) noexcept
        : sink(std::move(loans.sender)), source(std::move(loans.receiver)) {}

    PipeSink sink;
    PipeSource source;
};

}  // namespace sluice
