#include "sluice/runtime/descriptor_stream.h"

#include "sluice/runtime/combine.h"
#include "sluice/runtime/forward.h"
#include "sluice/runtime/memory_stream.h"
#include "sluice/tests/support/on_kernel.h"

#include <unistd.h>

#include <cstddef>
#include <span>
#include <string>
#include <tuple>

#include "sluice/tests/catch.h"

namespace sluice {
namespace {

using tests::on_kernel;

class Pipe {
public:
    Pipe() { REQUIRE(::pipe(ends_) == 0); }
    Pipe(Pipe&&) = delete;
    ~Pipe() {
        ::close(ends_[0]);
        close_writing();
    }

    [[nodiscard]] int reading() const noexcept { return ends_[0]; }
    [[nodiscard]] int writing() const noexcept { return ends_[1]; }
    void close_writing() {
        if (ends_[1] >= 0) {
            ::close(ends_[1]);
        }
        ends_[1] = -1;
    }

private:
    int ends_[2]{};
};

Task<Result<std::uint64_t>> pour(ByteSource& source, Pipe& pipe) {
    DescriptorSink sink(pipe.writing());
    const Result<std::uint64_t> octets = co_await forward(source, sink);
    pipe.close_writing();
    co_return octets;
}

TEST_CASE("descriptor streams: a pipe passes more than it holds, in order, up to its end",
          "[runtime][descriptor_stream]") {
    std::string text(300'000, ' ');
    for (std::size_t index = 0; index < text.size(); ++index) {
        text[index] = static_cast<char>('a' + index % 23);
    }
    MemorySource from(text);
    Pipe pipe;
    DescriptorSource source(pipe.reading(), 10'000);
    MemorySink to(1'000'000);
    const auto [poured, read] = on_kernel(when_all(pour(from, pipe), forward(source, to)));
    CHECK(poured == text.size());
    CHECK(read == text.size());
    CHECK(to.text() == text);
}

TEST_CASE("descriptor streams: an error is told in its phase", "[runtime][descriptor_stream]") {
    Pipe pipe;
    DescriptorSource source(pipe.writing());
    DescriptorSink sink(pipe.reading());
    CHECK(on_kernel(source.read()).error().phase == Phase::read);
    CHECK(on_kernel(sink.write(std::as_bytes(std::span("x", 1)))).error().phase == Phase::write);
}

}  // namespace
}  // namespace sluice
