// Disks: those of a world, which programs see as one tree: one at "/", and any number under
// directories of their own, as other hosts have them.
//
// A host is an address and a directory: the programs of a world share a loop and its backend, so a
// path is what tells whose disk is meant. Each is slow, full, broken, crashed and off by itself.
//
// Ownership:    Descriptors are numbered by the caller, who closes each.
// Errors:       As Disk; and EXDEV for a name that would lead from one disk to another.

#pragma once

#include "sluice/runtime/operation.h"
#include "sluice/runtime/simulation/disk.h"
#include "sluice/runtime/simulation/faults.h"
#include "sluice/runtime/simulation/options.h"

#include <cstdint>
#include <list>
#include <string>
#include <string_view>

namespace sluice::simulation {

class Disks {
public:
    Disks(const DiskOptions& options, Faults& faults);
    Disks(Disks&&) = delete;

    [[nodiscard]] Disk& root() noexcept { return mounted_.front().disk; }
    // A new one, whose "/" is this directory. No other may be in or above it.
    Disk& mount(std::string_view directory, const DiskOptions& options);

    [[nodiscard]] bool has(int fd) const noexcept;
    void close(int fd) noexcept;

    // Of the disk that the request is for.
    [[nodiscard]] const DiskOptions& options_for(const Request& request) noexcept;
    // Does what is asked, except to open, which needs a descriptor.
    [[nodiscard]] std::int32_t perform(const Request& request, std::int64_t unix_seconds);
    [[nodiscard]] std::int32_t open(int fd, const Open& open);

private:
    struct Mounted {
        Mounted(std::string_view at, const DiskOptions& its_options, Faults& faults)
            : directory(at), options(its_options), disk(its_options, faults) {}

        std::string directory;  // Without a slash at its end: of the root, nothing.
        DiskOptions options;
        Disk disk;
    };
    struct Place {
        Mounted& mounted;
        std::string_view path;  // On that disk.
    };

    [[nodiscard]] Place find(std::string_view path) noexcept;
    [[nodiscard]] Mounted& holder_of(int fd) noexcept;

    Faults& faults_;
    std::list<Mounted> mounted_;
};

}  // namespace sluice::simulation
