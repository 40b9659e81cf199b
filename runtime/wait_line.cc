#include "sluice/runtime/wait_line.h"

#include <cstdio>

namespace sluice {

void WaitLine::push(Waiter& waiter) noexcept {
    waiter.is_in_line_ = true;
    waiter.next_ = nullptr;
    waiter.previous_ = last_;
    *(last_ == nullptr ? &first_ : &last_->next_) = &waiter;
    last_ = &waiter;
}

void WaitLine::remove(Waiter& waiter) noexcept {
    waiter.is_in_line_ = false;
    *(waiter.previous_ == nullptr ? &first_ : &waiter.previous_->next_) = waiter.next_;
    *(waiter.next_ == nullptr ? &last_ : &waiter.next_->previous_) = waiter.previous_;
}

void WaitLine::serve_front(Served& served) noexcept {
    Waiter& waiter = *first_;
    remove(waiter);
    waiter.is_served_ = true;
    waiter.next_ = nullptr;
    *(served.first_ == nullptr ? &served.first_ : &served.last_->next_) = &waiter;
    served.last_ = &waiter;
}

bool Waiter::waits(Coroutine& coroutine) {
    coroutine_ = &coroutine;
    if (coroutine.stop != nullptr && coroutine.stop->requested()) {
        return false;
    }
    {
        Served others(coroutine.loop);
        const std::lock_guard lock(lock_);
        if (served_at_once(others)) {
            is_served_ = true;
            return false;
        }
        line_.push(*this);
    }
    // Whoever serves us from now on, we hear of it on this thread, and so later than this.
    if (coroutine.stop != nullptr) {
        ensure(coroutine.stop->listen(*this));
    }
    coroutine.waits_for(*this);
    return true;
}

std::string Waiter::waits_for(const char* what, const void* of) {
    char text[64];
    std::snprintf(text, sizeof text, "%s %p", what, of);
    return text;
}

void Waiter::arrived() noexcept {
    StopSource::unlink(*this);
    coroutine_->loop->schedule(*coroutine_);
}

void Waiter::stop_requested() noexcept {
    {
        const std::lock_guard lock(lock_);
        if (!is_in_line_) {
            return;  // Served: that news is on its way.
        }
        line_.remove(*this);
    }
    coroutine_->loop->schedule(*coroutine_);
}

Served::~Served() {
    while (first_ != nullptr) {
        Waiter& waiter = *first_;
        first_ = waiter.next_;
        Loop& loop = *waiter.coroutine_->loop;
        if (&loop == here_) {
            waiter.arrived();
        } else {
            loop.post(waiter);
        }
    }
}

}  // namespace sluice
