#include "sluice/runtime/descriptor_stream.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/operation.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace sluice {

Task<Result<std::span<const std::byte>>> DescriptorSource::read() {
    std::int32_t result = -EINTR;
    while (result == -EINTR) {
        Perform reading(Read{fd_, std::span(buffer_.get(), buffer_octets_), own_position});
        result = co_await reading;
    }
    if (result < 0) {
        co_return std::unexpected(error_from_errno(-result, Phase::read));
    }
    co_return std::span<const std::byte>(buffer_.get(), static_cast<std::size_t>(result));
}

Task<Result<void>> DescriptorSink::write(std::span<const std::byte> octets) {
    std::size_t done = 0;
    while (done < octets.size()) {
        const std::size_t wanted = std::min(octets.size() - done, operation_octets_max);
        Perform writing(Write{fd_, octets.subspan(done, wanted), own_position});
        const std::int32_t result = co_await writing;
        if (result == -EINTR) {
            continue;
        }
        if (result < 0) {
            co_return std::unexpected(error_from_errno(-result, Phase::write, done));
        }
        done += static_cast<std::size_t>(result);
    }
    co_return Result<void>();
}

Task<Result<void>> DescriptorSink::finish() {
    co_return Result<void>();
}

}  // namespace sluice
