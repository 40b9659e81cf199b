// Disk: a file system in memory: directories, files with and without a name, and room that ends.
//
// What programs see and what would survive a crash are kept apart, and a sync makes them equal: of
// a file its octets, of a directory its names. Of what was not synced, a crash leaves any part:
// some sectors, some names, of a rename both of its sides or none.
//
// Ownership:    Descriptors are numbered by the caller, who closes each. An open file stays, though
//               its name may go.
// Errors:       0 or a count, or a negated errno, as Linux's calls.

#pragma once

#include "sluice/runtime/simulation/disk_image.h"
#include "sluice/runtime/simulation/faults.h"
#include "sluice/runtime/simulation/options.h"
#include "sluice/runtime/simulation/pages.h"
#include "sluice/runtime/simulation/random.h"

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::simulation {

class Disk {
public:
    Disk(const DiskOptions& options, Faults& faults);
    Disk(Disk&&) = delete;

    [[nodiscard]] bool has(int fd) const noexcept { return open_.contains(fd); }

    [[nodiscard]] std::int32_t open(int fd, std::string_view path, int flags, mode_t mode);
    void close(int fd) noexcept;
    [[nodiscard]] std::int32_t read(int fd, std::span<std::byte> into, std::uint64_t offset);
    [[nodiscard]] std::int32_t write(int fd, std::span<const std::byte> from, std::uint64_t offset,
                                     std::int64_t time_seconds);
    [[nodiscard]] std::int32_t sync(int fd);
    [[nodiscard]] std::int32_t link(int fd, std::string_view path);
    [[nodiscard]] std::int32_t rename(std::string_view from, std::string_view to);
    [[nodiscard]] std::int32_t remove(std::string_view path);
    [[nodiscard]] std::int32_t status(int fd, struct statx& into) const;

    // What the next machine finds, if this one crashes now. Each call draws another of the states
    // that the disk could be in.
    [[nodiscard]] DiskImage crash(Random& random) const;

    // From now on nothing reaches the disk: every call but close() answers EIO.
    void power_off() noexcept { is_off_ = true; }

    // Starts with what an image holds, all of it synced. Nothing may be open.
    void load(const DiskImage& image);

    // For tests: what is there, whatever a program has open.
    void make_directory(std::string_view path);  // And those above it.
    void preload(std::string_view path, std::string_view contents);
    [[nodiscard]] std::optional<std::string> contents(std::string_view path) const;
    // What any crash leaves of a file at the least; nothing where its name was not synced.
    [[nodiscard]] std::optional<std::string> synced_contents(std::string_view path) const;
    [[nodiscard]] std::vector<std::string> list(std::string_view directory) const;
    [[nodiscard]] std::uint64_t used_octets() const noexcept { return used_octets_; }

private:
    struct Node;
    using NodePointer = std::shared_ptr<Node>;
    using Names = std::map<std::string, NodePointer, std::less<>>;

    struct Node {
        bool is_directory = false;
        mode_t mode = 0;
        std::uint64_t inode = 0;
        std::int64_t modified_seconds = 0;
        std::uint32_t links = 0;
        std::uint32_t opened = 0;
        Pages pages = {};
        Names names = {};
        Names synced_names = {};
    };

    // A change of names that no directory's sync has kept yet: all of it survives, or none.
    struct NameChange {
        NodePointer node;
        NodePointer from = nullptr;  // Loses `old_name`; no directory, if nothing is lost.
        std::string old_name = {};
        NodePointer to = nullptr;  // Gets `new_name`, likewise.
        std::string new_name = {};
    };

    struct OpenFile {
        NodePointer node;
        int flags;
    };

    // Where a path leads: the directory it is in, its last part, and what is there already.
    struct Place {
        NodePointer directory;
        std::string name;
        NodePointer node;
    };

    [[nodiscard]] NodePointer make_node(bool is_directory, mode_t mode);
    [[nodiscard]] std::optional<Place> find(std::string_view path) const;
    [[nodiscard]] std::int32_t open_found(int fd, Place place, int flags, mode_t mode);
    [[nodiscard]] std::int32_t failure(FaultKind kind, int percent, int os_errno);
    [[nodiscard]] std::uint64_t shortened(FaultKind kind, int percent, std::uint64_t count);
    void change(NameChange change);
    void sync_names(const NodePointer& directory);
    void forget_if_gone(const Node& node) noexcept;

    DiskOptions options_;
    Faults& faults_;
    std::uint64_t inodes_ = 0;
    std::uint64_t used_octets_ = 0;
    bool is_off_ = false;
    NodePointer root_;
    std::map<int, OpenFile> open_;
    std::vector<NameChange> changes_;  // Since the sync of a directory that they touch.
};

}  // namespace sluice::simulation
