// DiskImage: what a disk holds while no machine runs on it: before a start, or after a crash.

#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::simulation {

struct DiskImage {
    // A file, or a directory, whose names lead to others by their index.
    struct Node {
        bool is_directory = false;
        mode_t mode = 0;
        std::int64_t modified_seconds = 0;
        std::vector<std::byte> contents = {};
        std::map<std::string, std::size_t, std::less<>> names = {};
    };

    // Of the file at `path`, if there is one.
    [[nodiscard]] std::optional<std::string> contents(std::string_view path) const;

    std::vector<Node> nodes;  // The first is the root.
};

}  // namespace sluice::simulation
