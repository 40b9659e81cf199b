// Generator<T>: a coroutine that is a Source of what it yields.
//
//     Generator<std::string_view> lines(ByteSource& file) {
//         ...
//         const Result<Octets> octets = co_await file.read();
//         if (!octets) {
//             co_yield failed(octets);    // Ends it: the reader gets the error.
//         }
//         ...
//         co_yield line;                  // May borrow: it goes on when the next one is wanted.
//     }                                   // The proven end.
//
// Ownership:    Owns its frame. Between reads it stands at a co_yield, with nothing in flight, and
//               may be destroyed there: its locals are, as at the end of a scope. Destroying it
//               under a read stops the process.
// Completion:   It runs only while a read() waits for it. After the end, read() yields the end.
// Cancellation: What it awaits runs under the stop of the reader of the moment. It keeps no task
//               running across a co_yield under that stop: a Scope in it is given the Loop.
// Errors:       What it co_yields as an error is its last, and is told again. An exception leaves
//               the read.
// Threading:    The loop's thread. One read at a time.

#pragma once

#include "sluice/runtime/channel.h"
#include "sluice/runtime/ensure.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/frame_pool.h"
#include "sluice/runtime/loop.h"
#include "sluice/runtime/task.h"

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <expected>
#include <optional>
#include <utility>

namespace sluice {

template <typename T>
class [[nodiscard]] Generator {
public:
    class promise_type;

    Generator(Generator&& other) noexcept
        : frame_(std::exchange(other.frame_, {})), ended_(other.ended_) {
        ensure(other.calls_.is_zero(), "Generator: moved while a read is in flight");
    }
    Generator& operator=(Generator&&) = delete;
    ~Generator() {
        ensure(calls_.is_zero(), "Generator: destroyed while a read is in flight");
        drop_frame();
    }

    [[nodiscard]] Task<Result<std::optional<T>>> read();

    // No more is wanted: it is destroyed where it stands.
    [[nodiscard]] Task<> close() {
        ensure(calls_.is_zero(), "Generator: closed while a read is in flight");
        drop_frame();
        ended_ = Error{Errc::closed, Phase::read};
        co_return;
    }

private:
    explicit Generator(std::coroutine_handle<promise_type> frame) noexcept : frame_(frame) {}

    void drop_frame() noexcept {
        if (frame_) {
            std::exchange(frame_, {}).destroy();
        }
    }

    std::coroutine_handle<promise_type> frame_;  // Null once it has ended.
    Error ended_;                                // Errc::none: the proven end.
    CallCount calls_;
};

template <typename T>
class Generator<T>::promise_type : public Coroutine {
public:
    static void* operator new(std::size_t octets) { return frame_pool.allocate(octets); }
    static void operator delete(void* memory, std::size_t octets) noexcept {
        frame_pool.free(memory, octets);
    }

    Generator get_return_object() noexcept {
        const auto handle = std::coroutine_handle<promise_type>::from_promise(*this);
        frame = handle;
        return Generator(handle);
    }

    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept { return ToReader{}; }
    void return_void() const noexcept {}
    void unhandled_exception() noexcept { thrown_ = std::current_exception(); }

    auto yield_value(T item) {
        item_.emplace(std::move(item));
        return ToReader{};
    }

    auto yield_value(const std::unexpected<Error>& error) noexcept {
        error_ = error.error();
        return ToReader{};
    }

private:
    friend class Generator;

    struct ToReader {
        bool await_ready() const noexcept { return false; }
        std::coroutine_handle<> await_suspend(
            std::coroutine_handle<promise_type> self) const noexcept {
            Coroutine& reader = *self.promise().awaiter();
            self.promise().awaited_by_nobody();
            return reader.loop->enter(reader);
        }
        void await_resume() const noexcept {}
    };

    // The reader's side: runs the generator up to its next item.
    struct Step {
        explicit Step(promise_type& of) noexcept : promise(of) {}
        bool await_ready() const noexcept { return false; }
        template <std::derived_from<Coroutine> Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> awaiting) noexcept {
            Coroutine& reader = awaiting.promise();
            promise.loop = reader.loop;
            promise.stop = reader.stop;
            promise.awaited_by(reader);
            return promise.loop->enter(promise);
        }
        void await_resume() const noexcept {}

        promise_type& promise;
    };

    std::optional<T> item_;
    Error error_;
    std::exception_ptr thrown_;
};

template <typename T>
Task<Result<std::optional<T>>> Generator<T>::read() {
    ensure(calls_.is_zero(), "Generator: one read at a time");
    const CallCount::Call call(calls_);
    std::optional<T> item;
    if (frame_) {
        promise_type& promise = frame_.promise();
        typename promise_type::Step step(promise);
        co_await step;
        if (promise.item_) {
            item.emplace(std::move(*promise.item_));
            promise.item_.reset();
            co_return item;
        }
        ended_ = promise.error_;
        const std::exception_ptr thrown = promise.thrown_;
        drop_frame();
        if (thrown) {
            std::rethrow_exception(thrown);
        }
    }
    if (ended_.code != Errc::none) {
        co_return std::unexpected(ended_);
    }
    co_return item;
}

}  // namespace sluice
