// HashedSink, HashedSource: octets on their way, seen by a hasher.
//
// The hasher is the caller's: it is asked for its digest once the stream has ended well.
//
// Errors:       Those of the decorated stream. After one the digest means nothing.

#pragma once

#include "sluice/runtime/byte_stream.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/task.h"

#include <cstddef>
#include <span>

namespace sluice {

// As tls::Sha256 is one.
template <typename H>
concept Hasher = requires(H& hasher, std::span<const std::byte> octets) {
    hasher.update(octets);
    hasher.finish();
};

// `HashedSink hashed(file, sha256);` writes to `file` and tells `sha256` what was taken.
template <typename H>
class HashedSink final : public ByteSink {
    static_assert(Hasher<H>);

public:
    HashedSink(ByteSink& next, H& hasher) noexcept : next_(next), hasher_(hasher) {}

    Task<Result<void>> write(std::span<const std::byte> octets) override {
        const Result<void> written = co_await next_.write(octets);
        if (written) {
            hasher_.update(octets);
        }
        co_return written;
    }

    Task<Result<void>> finish() override { return next_.finish(); }
    void abort() noexcept override { next_.abort(); }

private:
    ByteSink& next_;
    H& hasher_;
};

template <typename H>
class HashedSource final : public ByteSource {
    static_assert(Hasher<H>);

public:
    HashedSource(ByteSource& from, H& hasher) noexcept : from_(from), hasher_(hasher) {}

    Task<Result<std::span<const std::byte>>> read() override {
        const Result<std::span<const std::byte>> octets = co_await from_.read();
        if (octets) {
            hasher_.update(*octets);
        }
        co_return octets;
    }

private:
    ByteSource& from_;
    H& hasher_;
};

}  // namespace sluice
