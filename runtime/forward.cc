#include "sluice/runtime/forward.h"

#include "sluice/runtime/await.h"

#include <cstddef>
#include <span>
#include <tuple>

namespace sluice {

namespace {

// Everything but the end of the source.
Task<Result<void>> pump(ByteSource& source, ByteSink& sink, Passage& passage) {
    const Context context = co_await this_task();
    while (true) {
        if (context.stop != nullptr && context.stop->requested()) {
            passage.failed = Side::source;
            co_return failure(Errc::cancelled, Phase::read);
        }
        const Result<std::span<const std::byte>> octets = co_await source.read();
        if (!octets) {
            passage.failed = Side::source;
            co_return failed(octets);
        }
        if (octets->empty()) {
            co_return Result<void>();
        }
        const Result<void> written = co_await sink.write(*octets);
        if (!written) {
            passage.failed = Side::sink;
            passage.octets += written.error().octets_done;
            co_return failed(written);
        }
        passage.octets += octets->size();
    }
}

}  // namespace

Task<Result<std::uint64_t>> forward(ByteSource& source, ByteSink& sink, Passage& passage) {
    Result<void> result = co_await pump(source, sink, passage);
    if (result) {
        result = co_await sink.finish();
        passage.failed = result ? Side::none : Side::sink;
    } else if (passage.failed == Side::source) {
        if (result.error().code == Errc::cancelled) {
            // A sink that tells why it ended sees that it was asked to, and no source failed it.
            const std::span<const std::byte> nothing;
            std::ignore = co_await sink.write(nothing);
        }
        sink.abort();
    }
    if (!result) {
        Error error = result.error();
        error.octets_done = passage.octets;
        co_return std::unexpected(error);
    }
    co_return passage.octets;
}

Task<Result<std::uint64_t>> forward(ByteSource& source, ByteSink& sink) {
    Passage passage;
    const Result<std::uint64_t> octets = co_await forward(source, sink, passage);
    co_return octets;
}

}  // namespace sluice
