// Disk: a file system in memory: directories, files with and without a name, and room that ends.
//
// What a file contains and what of it would survive a crash are kept apart: Sync makes them equal.
//
// Ownership:    Descriptors are numbered by the caller, who closes each. An open file stays, though
//               its name may go.
// Errors:       0 or a count, or a negated errno, as Linux's calls.

#pragma once

#include "sluice/runtime/simulation/options.h"
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
    Disk(const Options& options, Random& random);
    Disk(Disk&&) = delete;

    [[nodiscard]] bool has(int fd) const noexcept { return open_.contains(fd); }

    [[nodiscard]] std::int32_t open(int fd, std::string_view path, int flags, mode_t mode);
    void close(int fd) noexcept { open_.erase(fd); }
    [[nodiscard]] std::int32_t read(int fd, std::span<std::byte> into, std::uint64_t offset);
    [[nodiscard]] std::int32_t write(int fd, std::span<const std::byte> from, std::uint64_t offset,
                                     std::int64_t time_seconds);
    [[nodiscard]] std::int32_t sync(int fd);
    [[nodiscard]] std::int32_t link(int fd, std::string_view path);
    [[nodiscard]] std::int32_t rename(std::string_view from, std::string_view to);
    [[nodiscard]] std::int32_t remove(std::string_view path);
    [[nodiscard]] std::int32_t status(int fd, struct statx& into) const;

    // For tests: what is there, whatever a program has open.
    void make_directory(std::string_view path);  // And those above it.
    void preload(std::string_view path, std::string_view contents);
    [[nodiscard]] std::optional<std::string> contents(std::string_view path) const;
    // What would be left of a file after a crash; nothing where its name was not synced.
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
        std::vector<std::byte> contents = {};
        std::vector<std::byte> synced_contents = {};
        Names names = {};
        Names synced_names = {};
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

    DiskOptions options_;
    Random& random_;
    std::uint64_t inodes_ = 0;
    std::uint64_t used_octets_ = 0;
    NodePointer root_;
    std::map<int, OpenFile> open_;
};

}  // namespace sluice::simulation
