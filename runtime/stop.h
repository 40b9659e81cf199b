// StopSource: a request to stop that flows down the task tree to whatever is waiting.
//
// Every task runs under one StopSource, inherited from the task that awaits it. A wait under a
// source that has been asked to stop ends at once, so loops of waits end without further code; work
// that must happen all the same runs shielded (combine.h). A request is never taken back and never
// answered here: the answer is the result of the task that was asked.
//
// Ownership:    A source outlives the tasks that run under it and the sources below it. Listeners
//               are linked in place; nothing allocates.
// Threading:    The loop's thread.

#pragma once

#include "sluice/runtime/ensure.h"

#include <string>

namespace sluice {

class StopSource;

// Something that waits and can be asked to stop waiting.
class StopListener {
public:
    StopListener() noexcept = default;
    StopListener(StopListener&&) = delete;

    // Called at most once for each time it is linked; it is unlinked already.
    virtual void stop_requested() noexcept = 0;

    // What it waits for, in words, for a dump: "a timer, due in 1.5 s".
    [[nodiscard]] virtual std::string waits_for() const { return "something"; }

    // Where what it waits for is kept from it: an address, maybe in a task's frame; null: unknown.
    [[nodiscard]] virtual const void* held_at() const noexcept { return nullptr; }

    [[nodiscard]] bool linked() const noexcept { return source_ != nullptr; }

protected:
    ~StopListener() { ensure(!linked()); }

private:
    friend class StopSource;

    StopSource* source_ = nullptr;
    StopListener* previous_ = nullptr;
    StopListener* next_ = nullptr;
};

class StopSource final : private StopListener {
public:
    // A root: nobody asks but its owner.
    StopSource() noexcept = default;

    // Is asked as soon as `parent` is, or at once if `parent` has been.
    explicit StopSource(StopSource* parent) noexcept {
        if (parent != nullptr) {
            requested_ = parent->requested_;
            parent->link(*this);
        }
    }

    ~StopSource() {
        ensure(first_ == nullptr);
        unlink();
    }

    // Asks everything below to stop. Idempotent. Resumes nothing.
    void request() noexcept {
        requested_ = true;
        while (StopListener* const listener = first_) {
            unlink(*listener);
            listener->stop_requested();
        }
    }

    [[nodiscard]] bool requested() const noexcept { return requested_; }

    // Whether a request to `other` would come down to this one.
    [[nodiscard]] bool is_below(const StopSource& other) const noexcept {
        const StopSource* each = this;
        while (each != nullptr && each != &other) {
            each = each->source_;
        }
        return each != nullptr;
    }

    // Links `listener`, unless a stop has been requested: then it says so by returning false.
    [[nodiscard]] bool listen(StopListener& listener) noexcept {
        if (requested_) {
            return false;
        }
        link(listener);
        return true;
    }

    static void unlink(StopListener& listener) noexcept {
        if (!listener.linked()) {
            return;
        }
        StopListener*& before =
            listener.previous_ != nullptr ? listener.previous_->next_ : listener.source_->first_;
        before = listener.next_;
        if (listener.next_ != nullptr) {
            listener.next_->previous_ = listener.previous_;
        }
        listener.source_ = nullptr;
    }

private:
    void stop_requested() noexcept override { request(); }

    void unlink() noexcept { unlink(*this); }

    void link(StopListener& listener) noexcept {
        ensure(!listener.linked());
        listener.source_ = this;
        listener.previous_ = nullptr;
        listener.next_ = first_;
        if (first_ != nullptr) {
            first_->previous_ = &listener;
        }
        first_ = &listener;
    }

    bool requested_ = false;
    StopListener* first_ = nullptr;
};

}  // namespace sluice
