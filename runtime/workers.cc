#include "sluice/runtime/workers.h"

#include "sluice/runtime/ensure.h"

#include <csignal>
#include <system_error>

namespace sluice {

Workers::Workers(std::size_t threads_max) : threads_max_(threads_max) {
    ensure(threads_max > 0);
    threads_.reserve(threads_max);
}

Workers::~Workers() {
    {
        const std::lock_guard lock(mutex_);
        is_ending_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) {
        thread.join();
    }
}

Workers& Workers::shared() {
    static Workers workers;
    return workers;
}

void Workers::run(Job& job) {
    std::unique_lock lock(mutex_);
    if (queued_ >= idle_ && threads_.size() < threads_max_) {
        try {
            threads_.emplace_back([this] { work(); });
        } catch (const std::system_error&) {
            if (threads_.empty()) {
                lock.unlock();
                job.run();
                return;
            }
        }
    }
    job.next_ = nullptr;
    *(first_ == nullptr ? &first_ : &last_->next_) = &job;
    last_ = &job;
    ++queued_;
    lock.unlock();
    changed_.notify_one();
}

void Workers::work() noexcept {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);

    std::unique_lock lock(mutex_);
    while (true) {
        ++idle_;
        changed_.wait(lock, [this] { return first_ != nullptr || is_ending_; });
        --idle_;
        if (first_ == nullptr) {
            return;
        }
        Job& job = *first_;
        first_ = job.next_;
        --queued_;
        lock.unlock();
        job.run();
        lock.lock();
    }
}

}  // namespace sluice
