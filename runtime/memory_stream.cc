#include "sluice/runtime/memory_stream.h"

#include <algorithm>

namespace sluice {

Task<Result<std::span<const std::byte>>> MemorySource::read() {
    const std::span<const std::byte> chunk = left_.first(std::min(left_.size(), chunk_octets_));
    left_ = left_.subspan(chunk.size());
    co_return chunk;
}

Task<Result<void>> MemorySink::write(std::span<const std::byte> octets) {
    if (state_ != State::open) {
        co_return failure(Errc::closed, Phase::write);
    }
    const std::size_t taken = std::min(octets.size(), octets_max_ - octets_.size());
    octets_.insert(octets_.end(), octets.begin(),
                   octets.begin() + static_cast<std::ptrdiff_t>(taken));
    if (taken < octets.size()) {
        state_ = State::aborted;
        co_return failure(Errc::limit_exceeded, Phase::write, taken);
    }
    co_return Result<void>();
}

Task<Result<void>> MemorySink::finish() {
    if (state_ != State::open) {
        co_return failure(Errc::closed, Phase::write);
    }
    state_ = State::finished;
    co_return Result<void>();
}

void MemorySink::abort() noexcept {
    if (state_ == State::open) {
        state_ = State::aborted;
    }
}

std::string_view MemorySink::text() const noexcept {
    return {reinterpret_cast<const char*>(octets_.data()), octets_.size()};
}

Task<Result<void>> NullSink::write(std::span<const std::byte> octets) {
    octets_ += octets.size();
    co_return Result<void>();
}

Task<Result<void>> NullSink::finish() {
    co_return Result<void>();
}

}  // namespace sluice
