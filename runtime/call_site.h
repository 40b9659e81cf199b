// CallSite: which tasks asked for something, in four octets, for who must name it later.
//
// A source location would name a line of this library's for nearly all connections; the tasks that
// were waiting for one say whose it is. Each chain of tasks is kept once, so a site is a number.
//
// Threading:    A site means something on the thread that it was taken on.

#pragma once

#include "sluice/runtime/loop.h"

#include <concepts>
#include <coroutine>
#include <cstdint>
#include <string>

namespace sluice {

class CallSite {
public:
    constexpr CallSite() noexcept = default;  // Nobody knows.
    [[nodiscard]] static CallSite of(const Coroutine& task);

    // "sluice::TcpAcceptor::accept, for Store::serve, for run"
    [[nodiscard]] std::string description() const;

    // Whether it is asked for the first time.
    [[nodiscard]] bool is_news() const noexcept;

private:
    std::uint32_t number_ = 0;
};

// Awaitable: the site of the task that awaits it. Never suspends.
class ThisCallSite {
public:
    bool await_ready() const noexcept { return false; }

    template <std::derived_from<Coroutine> Promise>
    bool await_suspend(std::coroutine_handle<Promise> awaiting) {
        site_ = CallSite::of(awaiting.promise());
        return false;
    }

    CallSite await_resume() const noexcept { return site_; }

private:
    CallSite site_;
};

[[nodiscard]] inline ThisCallSite this_call_site() noexcept {
    return {};
}

}  // namespace sluice
