#include "sluice/runtime/threads.h"

#include "sluice/runtime/await.h"
#include "sluice/runtime/block_on.h"
#include "sluice/runtime/ensure.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/stop.h"

#include <cstdio>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace sluice {

namespace {

// One thread's part of the program.
class Share final : private Posted {
public:
    // Runs `body` to its end, and yields its status.
    int run(unsigned index, BackendKind kind, const LoopBody& body) {
        const Result<OwnedBackend> backend = make_backend(kind);
        if (!backend) {
            const std::string line = describe_backend_failure(kind, backend.error());
            std::fprintf(stderr, "%s\n", line.c_str());
            return 1;
        }
        Loop loop(**backend);
        return block_on(loop, supervise(loop, index, body));
    }

    // Any thread, at any time.
    void ask_to_stop() {
        const std::lock_guard lock(mutex_);
        if (!std::exchange(asked_, true) && loop_ != nullptr) {
            loop_->post(*this);
            posted_ = true;
        }
    }

private:
    Task<int> supervise(Loop& loop, unsigned index, const LoopBody& body) {
        begin(loop);
        int status = 1;
        try {
            Under<int> running(&stop_, body(loop, index));
            status = co_await running;
        } catch (const std::exception& exception) {
            std::fprintf(stderr, "%s\n", exception.what());
        } catch (...) {
            std::fputs("an exception of an unknown type\n", stderr);
        }
        if (end()) {
            co_await stopped_.wait_regardless();  // A message to this loop is on its way.
        }
        co_return status;
    }

    void begin(Loop& loop) {
        const std::lock_guard lock(mutex_);
        loop_ = &loop;
        if (asked_) {
            stop_.request();
        }
    }

    bool end() {
        const std::lock_guard lock(mutex_);
        loop_ = nullptr;
        return posted_;
    }

    void arrived() noexcept override {
        stop_.request();
        stopped_.set();
    }

    StopSource stop_;
    Event stopped_;
    std::mutex mutex_;  // Of what follows.
    Loop* loop_ = nullptr;
    bool asked_ = false;
    bool posted_ = false;
};

class Shares {
public:
    Shares(unsigned count, BackendKind kind, const LoopBody& body)
        : kind_(kind), body_(body), shares_(count) {}

    void run(unsigned index) {
        const int status = shares_[index].run(index, kind_, body_);
        if (status == 0) {
            return;
        }
        {
            const std::lock_guard lock(mutex_);
            status_ = status_ == 0 ? status : status_;
        }
        for (Share& share : shares_) {
            share.ask_to_stop();
        }
    }

    // Once all have run.
    [[nodiscard]] int status() const noexcept { return status_; }

private:
    BackendKind kind_;
    const LoopBody& body_;
    std::deque<Share> shares_;
    std::mutex mutex_;
    int status_ = 0;
};

}  // namespace

int run_on_threads(unsigned count, BackendKind kind, const LoopBody& body) {
    ensure(count > 0);
    Shares shares(count, kind, body);
    {
        std::vector<std::jthread> threads;
        for (unsigned index = 1; index < count; ++index) {
            threads.emplace_back([&shares, index] { shares.run(index); });
        }
        shares.run(0);
    }
    return shares.status();
}

}  // namespace sluice
