#include "sluice/runtime/tee.h"

#include "sluice/runtime/combine.h"

#include <algorithm>
#include <cstdint>
#include <tuple>

namespace sluice {

Task<Result<void>> TeeSink::write(std::span<const std::byte> octets) {
    Task<std::tuple<Result<void>, Result<void>>> writing =
        when_all(first_.write(octets), second_.write(octets));
    const std::tuple<Result<void>, Result<void>> both = co_await writing;
    const auto& [first, second] = both;
    if (first && second) {
        co_return first;
    }
    // The one that was only asked to stop did not cause this.
    const bool first_caused = !first && (second || first.error().code != Errc::cancelled);
    Error error = first_caused ? first.error() : second.error();
    const std::uint64_t of_first = first ? octets.size() : first.error().octets_done;
    const std::uint64_t of_second = second ? octets.size() : second.error().octets_done;
    error.octets_done = std::min(of_first, of_second);
    co_return std::unexpected(error);
}

Task<Result<void>> TeeSink::finish() {
    Result<void> finished = co_await first_.finish();
    if (finished) {
        finished = co_await second_.finish();
    } else {
        second_.abort();
    }
    co_return finished;
}

void TeeSink::abort() noexcept {
    first_.abort();
    second_.abort();
}

}  // namespace sluice
