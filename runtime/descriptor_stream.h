// DescriptorSource, DescriptorSink: octets from and to a descriptor that has no offset: a pipe, a
// terminal, standard input and output.
//
// Ownership:    Borrow the descriptor. The source owns one buffer.
// Completion:   The source ends at the end of the file. finish() of the sink has nothing to add:
//               the other end of a pipe cannot tell it from abort().
// Source:       io_uring_enter(2) on an offset of -1.

#pragma once

#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/task.h"

#include <cstddef>
#include <memory>
#include <span>

namespace sluice {

class DescriptorSource final : public ByteSource {
public:
    explicit DescriptorSource(int fd, std::size_t buffer_octets = 64 * 1024)
        : fd_(fd),
          buffer_octets_(buffer_octets),
          buffer_(std::make_unique_for_overwrite<std::byte[]>(buffer_octets)) {}

    Task<Result<std::span<const std::byte>>> read() override;

private:
    int fd_;
    std::size_t buffer_octets_;
    std::unique_ptr<std::byte[]> buffer_;
};

class DescriptorSink final : public ByteSink {
public:
    explicit DescriptorSink(int fd) noexcept : fd_(fd) {}

    Task<Result<void>> write(std::span<const std::byte> octets) override;
    Task<Result<void>> finish() override;
    void abort() noexcept override {}

private:
    int fd_;
};

}  // namespace sluice
