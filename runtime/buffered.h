// BufferedSink: makes few large writes of many small ones.
//
// Ownership:    Owns one buffer. Octets that do not fit into it are not copied.
// Completion:   A write that ended well may still be in the buffer: it is not written before
//               flush() or finish() has ended well. Evidence is to be taken from those alone.
// Errors:       Those of the decorated sink, one write late perhaps. octets_done is of the octets
//               of this write that went on.

#pragma once

#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/task.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace sluice {

class BufferedSink final : public ByteSink {
public:
    BufferedSink(ByteSink& next, std::size_t buffer_octets);

    Task<Result<void>> write(std::span<const std::byte> octets) override;
    [[nodiscard]] Task<Result<void>> flush();
    Task<Result<void>> finish() override;
    void abort() noexcept override;

private:
    ByteSink& next_;
    std::size_t capacity_;
    std::unique_ptr<std::byte[]> buffer_;
    std::size_t filled_ = 0;
};

}  // namespace sluice
