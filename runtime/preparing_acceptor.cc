#include "sluice/runtime/preparing_acceptor.h"

#include "sluice/runtime/ensure.h"

#include <utility>

namespace sluice {

PreparingAcceptor::PreparingAcceptor(Loop& loop, Acceptor& beneath, std::size_t at_once_max)
    : loop_(loop), beneath_(beneath), at_once_max_(at_once_max), scope_(loop) {}

PreparingAcceptor::~PreparingAcceptor() {
    ensure(ready_.empty());
}

Task<Result<std::unique_ptr<Transport>>> PreparingAcceptor::accept() {
    while (true) {
        if (!ready_.empty()) {
            std::unique_ptr<Transport> next = std::move(ready_.front());
            ready_.pop_front();
            room_.set();
            co_return std::move(next);
        }
        if (closing_) {
            co_return failure(Errc::closed, Phase::accept);
        }
        if (error_) {
            co_return std::unexpected(*error_);
        }
        if (!std::exchange(is_taking_, true)) {
            scope_.spawn(take_in());
        }
        changed_.reset();
        const bool happened = co_await changed_.wait();
        if (!happened && ready_.empty()) {
            co_return failure(Errc::cancelled, Phase::accept);
        }
    }
}

Task<> PreparingAcceptor::take_in() {
    while (!closing_) {
        if (preparing_ + ready_.size() >= at_once_max_) {
            room_.reset();
            co_await room_.wait();
            continue;
        }
        Result<std::unique_ptr<Transport>> taken = co_await beneath_.accept();
        if (taken) {
            ++preparing_;
            scope_.spawn(make_ready(std::move(*taken)));
        } else if (!closing_) {
            error_ = taken.error();
            break;
        }
    }
    changed_.set();
}

Task<> PreparingAcceptor::make_ready(std::unique_ptr<Transport> transport) {
    Task<std::unique_ptr<Transport>> preparing = prepare(std::move(transport));
    std::unique_ptr<Transport> ready = co_await std::move(preparing);
    if (ready != nullptr) {
        ready_.push_back(std::move(ready));
    }
    --preparing_;
    room_.set();
    changed_.set();
}

Task<> PreparingAcceptor::close() {
    closing_ = true;
    scope_.request_stop();
    room_.set();
    co_await scope_.join();
    while (!ready_.empty()) {
        const std::unique_ptr<Transport> unwanted = std::move(ready_.front());
        ready_.pop_front();
        co_await unwanted->close(Ending::reset);
    }
    co_await beneath_.close();
}

}  // namespace sluice
