#include "sluice/runtime/buffered.h"

#include <algorithm>

namespace sluice {

BufferedSink::BufferedSink(ByteSink& next, std::size_t buffer_octets)
    : next_(next),
      capacity_(buffer_octets),
      buffer_(std::make_unique_for_overwrite<std::byte[]>(buffer_octets)) {}

Task<Result<void>> BufferedSink::write(std::span<const std::byte> octets) {
    if (octets.size() > capacity_ - filled_) {
        Result<void> flushed = co_await flush();
        if (!flushed) {
            Error error = flushed.error();
            error.octets_done = 0;
            co_return std::unexpected(error);
        }
    }
    if (octets.size() >= capacity_) {
        const Result<void> written = co_await next_.write(octets);
        co_return written;
    }
    std::ranges::copy(octets, buffer_.get() + filled_);
    filled_ += octets.size();
    co_return Result<void>();
}

Task<Result<void>> BufferedSink::flush() {
    if (filled_ == 0) {
        co_return Result<void>();
    }
    const std::span<const std::byte> octets(buffer_.get(), filled_);
    filled_ = 0;
    const Result<void> written = co_await next_.write(octets);
    co_return written;
}

Task<Result<void>> BufferedSink::finish() {
    Result<void> result = co_await flush();
    if (result) {
        result = co_await next_.finish();
    }
    co_return result;
}

void BufferedSink::abort() noexcept {
    filled_ = 0;
    next_.abort();
}

}  // namespace sluice
