#include "sluice/runtime/simulation/disk_image.h"

#include <algorithm>

namespace sluice::simulation {

std::optional<std::string> DiskImage::contents(std::string_view path) const {
    std::size_t at = 0;
    while (!path.empty()) {
        const std::size_t slash = std::min(path.find('/'), path.size());
        const std::string_view name = path.substr(0, slash);
        path.remove_prefix(std::min(slash + 1, path.size()));
        if (name.empty()) {
            continue;
        }
        const auto found = nodes.at(at).names.find(name);
        if (found == nodes.at(at).names.end()) {
            return std::nullopt;
        }
        at = found->second;
    }
    const Node& file = nodes.at(at);
    if (file.is_directory) {
        return std::nullopt;
    }
    return std::string(reinterpret_cast<const char*>(file.contents.data()), file.contents.size());
}

}  // namespace sluice::simulation
