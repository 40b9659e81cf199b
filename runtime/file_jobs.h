// FileJobs: operations on files as blocking calls on the worker pool, for a kernel that offers no
// others.
//
// Ownership:    As Backend says: the operation and what it points to stay until it has completed.
//               Nothing may be under way when it is destroyed.
// Completion:   From reap(), on the loop's thread.
// Cancellation: A blocking call cannot be interrupted: it ends when it ends.
// Threading:    The loop's thread; the calls run on others.

#pragma once

#include "sluice/runtime/backend.h"
#include "sluice/runtime/operation.h"
#include "sluice/runtime/workers.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace sluice {

class FileJobs {
public:
    // `backend` is woken when a job has ended.
    explicit FileJobs(Backend& backend) noexcept : backend_(backend) {}
    FileJobs(FileJobs&&) = delete;
    ~FileJobs();

    // An Open, Read, Write, Sync, Link, Rename, Remove or ReadStatus.
    void submit(Operation& operation);

    // The result of an Open, Read or ReadStatus that the kernel answers from its memory; nullopt if
    // it would have to ask a device, or cannot tell. Makes no other request.
    [[nodiscard]] static std::optional<std::int32_t> answer_at_once(
        const Request& request) noexcept;

    // Closes `fd` on a worker, soon, whatever becomes of the loop meanwhile.
    static void close(int fd);

    // Completes the operations whose calls have returned. Yields how many.
    std::size_t reap() noexcept;

private:
    class Job final : public Workers::Job {
    public:
        explicit Job(FileJobs& owner) noexcept : owner_(owner) {}

        Operation* operation = nullptr;
        std::int32_t result = 0;

    private:
        void run() noexcept override;

        FileJobs& owner_;
    };

    void ended(Job& job) noexcept;

    Backend& backend_;
    std::size_t under_way_ = 0;
    std::vector<std::unique_ptr<Job>> jobs_;
    std::vector<Job*> free_;
    std::vector<Job*> reaped_;

    std::mutex mutex_;
    std::vector<Job*> ended_;  // Guarded by it.
};

}  // namespace sluice
