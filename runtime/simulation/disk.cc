#include "sluice/runtime/simulation/disk.h"

#include "sluice/runtime/ensure.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sluice::simulation {

namespace {

mode_t type_of(bool is_directory) {
    return is_directory ? S_IFDIR : S_IFREG;
}

std::string text_of(std::span<const std::byte> octets) {
    return {reinterpret_cast<const char*>(octets.data()), octets.size()};
}

// Takes the first part of a path. "//" and "/./" are one slash.
std::string_view take_part(std::string_view& path) {
    std::string_view part;
    while (!path.empty() && (part.empty() || part == ".")) {
        const std::size_t slash = std::min(path.find('/'), path.size());
        part = path.substr(0, slash);
        path.remove_prefix(std::min(slash + 1, path.size()));
    }
    return part == "." ? std::string_view() : part;
}

}  // namespace

Disk::Disk(const DiskOptions& options, Faults& faults)
    : options_(options), faults_(faults), root_(make_node(true, 0755)) {
    make_directory("/tmp");
}

std::int32_t Disk::open(int fd, std::string_view path, int flags, mode_t mode) {
    if (const std::int32_t failed =
            failure(FaultKind::open_error, options_.open_error_percent, EMFILE);
        failed < 0) {
        return failed;
    }
    std::optional<Place> place = find(path);
    if (!place) {
        return -ENOENT;
    }
    return open_found(fd, *std::move(place), flags, mode);
}

std::int32_t Disk::open_found(int fd, Place place, int flags, mode_t mode) {
    const bool for_writing = (flags & O_ACCMODE) != O_RDONLY;
    const bool wants_directory = (flags & O_DIRECTORY) != 0;
    if ((flags & O_TMPFILE) == O_TMPFILE) {
        if (place.node == nullptr || !place.node->is_directory) {
            return place.node == nullptr ? -ENOENT : -ENOTDIR;
        }
        place.node = make_node(false, mode);
    } else if (place.node == nullptr) {
        if ((flags & O_CREAT) == 0) {
            return -ENOENT;
        }
        place.node = make_node(false, mode);
        place.node->links = 1;
        change({.node = place.node, .to = place.directory, .new_name = place.name});
    } else if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) {
        return -EEXIST;
    } else if (place.node->is_directory && (for_writing || (flags & O_CREAT) != 0)) {
        return -EISDIR;
    } else if (wants_directory && !place.node->is_directory) {
        return -ENOTDIR;
    } else if ((flags & O_TRUNC) != 0 && for_writing) {
        used_octets_ -= place.node->pages.size();
        place.node->pages.truncate();
    }
    ++place.node->opened;
    open_.emplace(fd, OpenFile{std::move(place.node), flags});
    return 0;
}

void Disk::close(int fd) noexcept {
    const auto found = open_.find(fd);
    ensure(found != open_.end());
    const NodePointer node = std::move(found->second.node);
    open_.erase(found);
    --node->opened;
    forget_if_gone(*node);
}

std::int32_t Disk::read(int fd, std::span<std::byte> into, std::uint64_t offset) {
    const auto found = open_.find(fd);
    if (found == open_.end() || (found->second.flags & O_ACCMODE) == O_WRONLY) {
        return -EBADF;
    }
    const Node& node = *found->second.node;
    if (node.is_directory) {
        return -EISDIR;
    }
    if (const std::int32_t failed =
            failure(FaultKind::read_error, options_.read_error_percent, EIO);
        failed < 0) {
        return failed;
    }
    if (offset >= node.pages.size()) {
        return 0;
    }
    const auto from = node.pages.contents().subspan(offset);
    const std::uint64_t most = std::min(from.size(), into.size());
    const std::uint64_t count = shortened(FaultKind::short_read, options_.short_read_percent, most);
    std::ranges::copy(from.first(count), into.begin());
    return static_cast<std::int32_t>(count);
}

std::int32_t Disk::write(int fd, std::span<const std::byte> from, std::uint64_t offset,
                         std::int64_t time_seconds) {
    const auto found = open_.find(fd);
    if (found == open_.end() || (found->second.flags & O_ACCMODE) == O_RDONLY) {
        return -EBADF;
    }
    if (const std::int32_t failed =
            failure(FaultKind::write_error, options_.write_error_percent, EIO);
        failed < 0) {
        return failed;
    }
    Node& node = *found->second.node;
    std::uint64_t count =
        shortened(FaultKind::short_write, options_.short_write_percent, from.size());
    const std::uint64_t size = node.pages.size();
    const std::uint64_t room = options_.capacity_octets - used_octets_;
    if (offset + count > size && offset + count - size > room) {
        if (size + room <= offset) {
            return count == 0 ? 0 : -ENOSPC;
        }
        count = size + room - offset;
    }
    if (offset + count > size) {
        used_octets_ += offset + count - size;
    }
    node.pages.write(from.first(count), offset);
    node.modified_seconds = time_seconds;
    return static_cast<std::int32_t>(count);
}

std::int32_t Disk::sync(int fd) {
    const auto found = open_.find(fd);
    if (found == open_.end()) {
        return -EBADF;
    }
    const NodePointer& node = found->second.node;
    const std::int32_t failed = failure(FaultKind::sync_error, options_.sync_error_percent, EIO);
    if (failed < 0 || faults_.happens(FaultKind::sync_lie, options_.sync_lie_percent)) {
        node->pages.fail_to_sync();
        return failed;
    }
    node->pages.sync();
    sync_names(node);
    return 0;
}

std::int32_t Disk::link(int fd, std::string_view path) {
    const auto found = open_.find(fd);
    const std::optional<Place> place = find(path);
    if (found == open_.end() || !place) {
        return found == open_.end() ? -EBADF : -ENOENT;
    }
    if (place->node != nullptr) {
        return -EEXIST;
    }
    if (const std::int32_t failed =
            failure(FaultKind::name_error, options_.name_error_percent, EIO);
        failed < 0) {
        return failed;
    }
    ++found->second.node->links;
    change({.node = found->second.node, .to = place->directory, .new_name = place->name});
    return 0;
}

std::int32_t Disk::rename(std::string_view from, std::string_view to) {
    const std::optional<Place> source = find(from);
    const std::optional<Place> target = find(to);
    if (!source || source->node == nullptr || !target) {
        return -ENOENT;
    }
    if (source->directory == nullptr || target->directory == nullptr) {
        return -EBUSY;
    }
    if (target->node == source->node) {
        return 0;
    }
    if (target->node != nullptr) {
        if (target->node->is_directory != source->node->is_directory) {
            return target->node->is_directory ? -EISDIR : -ENOTDIR;
        }
        if (!target->node->names.empty()) {
            return -ENOTEMPTY;
        }
    }
    if (const std::int32_t failed =
            failure(FaultKind::name_error, options_.name_error_percent, EIO);
        failed < 0) {
        return failed;
    }
    change({.node = source->node,
            .from = source->directory,
            .old_name = source->name,
            .to = target->directory,
            .new_name = target->name});
    if (target->node != nullptr) {
        --target->node->links;
        forget_if_gone(*target->node);
    }
    return 0;
}

std::int32_t Disk::remove(std::string_view path) {
    const std::optional<Place> place = find(path);
    if (!place || place->node == nullptr) {
        return -ENOENT;
    }
    if (place->node->is_directory) {
        return -EISDIR;
    }
    if (const std::int32_t failed =
            failure(FaultKind::name_error, options_.name_error_percent, EIO);
        failed < 0) {
        return failed;
    }
    change({.node = place->node, .from = place->directory, .old_name = place->name});
    --place->node->links;
    forget_if_gone(*place->node);
    return 0;
}

std::int32_t Disk::status(int fd, struct statx& into) const {
    const auto found = open_.find(fd);
    if (found == open_.end()) {
        return -EBADF;
    }
    if (is_off_) {
        return -EIO;
    }
    const Node& node = *found->second.node;
    into = {};
    into.stx_mask = STATX_BASIC_STATS;
    into.stx_blksize = 4096;
    into.stx_nlink = node.links;
    into.stx_mode = static_cast<std::uint16_t>(node.mode | type_of(node.is_directory));
    into.stx_ino = node.inode;
    into.stx_size = node.pages.size();
    into.stx_blocks = (node.pages.size() + 511) / 512;
    into.stx_mtime.tv_sec = node.modified_seconds;
    into.stx_ctime.tv_sec = node.modified_seconds;
    return 0;
}

void Disk::make_directory(std::string_view path) {
    NodePointer at = root_;
    for (std::string_view part = take_part(path); !part.empty(); part = take_part(path)) {
        NodePointer& next = at->names[std::string(part)];
        if (next == nullptr) {
            next = make_node(true, 0755);
            at->synced_names[std::string(part)] = next;
        }
        at = next;
        ensure(at->is_directory);
    }
}

void Disk::preload(std::string_view path, std::string_view contents) {
    const std::size_t slash = path.rfind('/');
    make_directory(slash == std::string_view::npos ? std::string_view() : path.substr(0, slash));
    const std::optional<Place> place = find(path);
    ensure(place.has_value());
    ensure(place->node == nullptr || !place->node->is_directory);
    const NodePointer node = make_node(false, 0644);
    const auto octets = std::as_bytes(std::span(contents));
    node->links = 1;
    node->pages = Pages({octets.begin(), octets.end()});
    used_octets_ += octets.size();
    if (place->node != nullptr) {
        --place->node->links;
        forget_if_gone(*place->node);
    }
    place->directory->names[place->name] = node;
    place->directory->synced_names[place->name] = node;
}

std::optional<std::string> Disk::contents(std::string_view path) const {
    const std::optional<Place> place = find(path);
    if (!place || place->node == nullptr || place->node->is_directory) {
        return std::nullopt;
    }
    return text_of(place->node->pages.contents());
}

std::optional<std::string> Disk::synced_contents(std::string_view path) const {
    const std::optional<Place> place = find(path);
    if (!place || place->directory == nullptr) {
        return std::nullopt;
    }
    const auto kept = place->directory->synced_names.find(place->name);
    if (kept == place->directory->synced_names.end()) {
        return std::nullopt;
    }
    return text_of(kept->second->pages.synced());
}

std::vector<std::string> Disk::list(std::string_view directory) const {
    std::vector<std::string> names;
    const std::optional<Place> place = find(directory);
    if (place && place->node != nullptr) {
        for (const auto& [name, node] : place->node->names) {
            names.push_back(name);
        }
    }
    return names;
}

Disk::NodePointer Disk::make_node(bool is_directory, mode_t mode) {
    return std::make_shared<Node>(
        Node{.is_directory = is_directory, .mode = mode, .inode = ++inodes_});
}

std::int32_t Disk::failure(FaultKind kind, int percent, int os_errno) {
    if (is_off_) {
        return -EIO;
    }
    return faults_.happens(kind, percent) ? -os_errno : 0;
}

std::uint64_t Disk::shortened(FaultKind kind, int percent, std::uint64_t count) {
    return count == 0 ? 0 : faults_.draw(kind, percent, 1, count).value_or(count);
}

// What no name and no descriptor leads to takes no room any more, though a crash may bring it back.
void Disk::forget_if_gone(const Node& node) noexcept {
    if (node.links == 0 && node.opened == 0) {
        used_octets_ -= node.pages.size();
    }
}

// Nothing, where a directory on the way is not there. Relative paths begin at the root.
std::optional<Disk::Place> Disk::find(std::string_view path) const {
    Place place{nullptr, "", root_};
    for (std::string_view part = take_part(path); !part.empty(); part = take_part(path)) {
        if (place.node == nullptr || !place.node->is_directory) {
            return std::nullopt;
        }
        place.directory = place.node;
        place.name = part;
        const auto found = place.directory->names.find(part);
        place.node = found == place.directory->names.end() ? nullptr : found->second;
    }
    return place;
}

}  // namespace sluice::simulation
