#include "sluice/runtime/preparing_acceptor.h"

#include "sluice/runtime/combine.h"
#include "sluice/runtime/ensure.h"

#include <utility>

namespace sluice {

PreparingAcceptor::PreparingAcceptor(Loop& loop, Acceptor& beneath, std::size_t at_once_max,
                                     Duration finishing_max)
    : loop_(loop),
      beneath_(beneath),
      at_once_max_(at_once_max),
      finishing_max_(finishing_max),
      scope_(loop) {}

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
        changed_.reset();
        const Context here = co_await this_task();
        if (here.stop == nullptr || !here.stop->requested()) {
            go_on();
            co_await changed_.wait();
        } else if (may_finish()) {
            co_await changed_.wait_regardless();
        } else {
            disarm();
            co_return failure(Errc::cancelled, Phase::accept);
        }
    }
}

void PreparingAcceptor::go_on() {
    is_finishing_ = false;
    finishing_is_over_ = false;
    disarm();
    if (!std::exchange(is_taking_, true)) {
        scope_.spawn(take_in());
    }
}

// Whether a connection that has come already can become ready yet, and in time.
bool PreparingAcceptor::may_finish() noexcept {
    if (!std::exchange(is_finishing_, true)) {
        loop_.arm(*this, after(loop_.now(), finishing_max_));
        if (taking_ != nullptr) {
            taking_->request();
        }
    }
    return !finishing_is_over_ && (is_taking_ || preparing_ > 0);
}

void PreparingAcceptor::fired() noexcept {
    finishing_is_over_ = true;
    changed_.set();
}

// Asked to stop, it still takes in what the acceptor beneath has taken.
Task<> PreparingAcceptor::take_in() {
    const Context here = co_await this_task();
    StopSource taking(here.stop);
    taking_ = &taking;
    if (is_finishing_) {
        taking.request();
    }
    while (!closing_) {
        if (preparing_ + ready_.size() >= at_once_max_) {
            room_.reset();
            co_await room_.wait();
            continue;
        }
        Under<Result<std::unique_ptr<Transport>>> next(&taking, beneath_.accept());
        Result<std::unique_ptr<Transport>> taken = co_await next;
        if (taken) {
            ++preparing_;
            scope_.spawn(make_ready(std::move(*taken)));
        } else {
            const bool is_own_stop =
                taken.error().code == Errc::cancelled && !scope_.stop().requested();
            if (!closing_ && !is_own_stop) {
                error_ = taken.error();
            }
            break;
        }
    }
    taking_ = nullptr;
    is_taking_ = false;
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
    disarm();
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
