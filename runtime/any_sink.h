// AnySink<T>: a sink of items whose type its holder need not know, and which can be cloned.
//
// An actor's address is one: who writes to a mailbox leaves it to others whether it is bounded,
// overwrites, or is no channel at all.
//
// Ownership:    Owns the sink. A clone is a sink of its own, and outlives what it was cloned from.
//               A clone costs one allocation.
// Threading:    That of the sink. A Sender's clones may each live on another thread.

#pragma once

#include "sluice/runtime/ensure.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/sink.h"
#include "sluice/runtime/task.h"

#include <concepts>
#include <memory>
#include <utility>

namespace sluice {

// A sink of which there can be several, for the same receiver.
template <typename S, typename Item>
concept CloneableSink = Sink<S, Item> && requires(const S& sink) {
    { sink.clone() } -> std::same_as<S>;
};

template <typename T>
class [[nodiscard]] AnySink {
public:
    template <typename S>
        requires(!std::same_as<S, AnySink>) && CloneableSink<S, T>
    AnySink(S sink) : held_(std::make_unique<Model<S>>(std::move(sink))) {}
    AnySink(AnySink&&) noexcept = default;
    AnySink& operator=(AnySink&&) = delete;

    [[nodiscard]] AnySink clone() const {
        AnySink copy;
        copy.held_ = held().clone();
        return copy;
    }

    [[nodiscard]] Task<Sent<T>> write(T item) { return held().write(std::move(item)); }
    [[nodiscard]] Task<Result<void>> finish() { return held().finish(); }

    void abort() noexcept {
        if (held_ != nullptr) {
            held_->abort();
        }
    }

private:
    class Held {
    public:
        virtual ~Held() = default;
        [[nodiscard]] virtual std::unique_ptr<Held> clone() const = 0;
        virtual Task<Sent<T>> write(T item) = 0;
        virtual Task<Result<void>> finish() = 0;
        virtual void abort() noexcept = 0;
    };

    template <typename S>
    class Model final : public Held {
    public:
        explicit Model(S sink) noexcept : sink_(std::move(sink)) {}

        [[nodiscard]] std::unique_ptr<Held> clone() const override {
            return std::make_unique<Model>(sink_.clone());
        }
        Task<Sent<T>> write(T item) override { return sink_.write(std::move(item)); }
        Task<Result<void>> finish() override { return sink_.finish(); }
        void abort() noexcept override { sink_.abort(); }

    private:
        S sink_;
    };

    AnySink() noexcept = default;

    [[nodiscard]] Held& held() const noexcept {
        ensure(held_ != nullptr, "AnySink: used after it was moved from");
        return *held_;
    }

    std::unique_ptr<Held> held_;
};

}  // namespace sluice
