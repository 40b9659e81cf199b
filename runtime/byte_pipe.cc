#include "sluice/runtime/byte_pipe.h"

#include "sluice/runtime/sink.h"

#include <optional>

namespace sluice {

Task<Result<void>> PipeSink::write(std::span<const std::byte> octets) {
    if (octets.empty()) {
        co_return Result<void>();
    }
    OctetLoan loan{octets, {}};
    const Sent<OctetLoan*> sent = co_await loans_.write(&loan);
    if (!sent) {
        co_return std::unexpected(error_of(sent));
    }
    co_await loan.returned.wait_regardless();
    co_return Result<void>();
}

Task<Result<std::span<const std::byte>>> PipeSource::read() {
    give_back();
    const Result<std::optional<OctetLoan*>> loan = co_await loans_.read();
    if (!loan) {
        co_return failed(loan);
    }
    if (!*loan) {
        co_return std::span<const std::byte>();
    }
    lent_ = **loan;
    co_return lent_->octets;
}

Task<> PipeSource::close() {
    give_back();
    co_await loans_.close();
}

void PipeSource::give_back() noexcept {
    if (lent_ != nullptr) {
        std::exchange(lent_, nullptr)->returned.set();
    }
}

}  // namespace sluice
