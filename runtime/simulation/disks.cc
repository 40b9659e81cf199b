#include "sluice/runtime/simulation/disks.h"

#include "sluice/runtime/describe.h"
#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <cerrno>
#include <variant>

namespace sluice::simulation {

Disks::Disks(const DiskOptions& options, Faults& faults) : faults_(faults) {
    mounted_.emplace_back("", options, faults);
}

Disk& Disks::mount(std::string_view directory, const DiskOptions& options) {
    ensure(directory.starts_with('/') && !directory.ends_with('/'));
    ensure(std::ranges::none_of(mounted_, [&](const Mounted& each) {
        return !each.directory.empty() && (each.directory.starts_with(directory) ||
                                           directory.starts_with(each.directory + "/"));
    }));
    root().make_directory(directory);
    return mounted_.emplace_back(directory, options, faults_).disk;
}

bool Disks::has(int fd) const noexcept {
    return std::ranges::any_of(mounted_, [&](const Mounted& each) { return each.disk.has(fd); });
}

void Disks::close(int fd) noexcept {
    holder_of(fd).disk.close(fd);
}

const DiskOptions& Disks::options_for(const Request& request) noexcept {
    if (const auto* const open = std::get_if<Open>(&request)) {
        return find(open->path).mounted.options;
    }
    if (const auto* const rename = std::get_if<Rename>(&request)) {
        return find(rename->to).mounted.options;
    }
    if (const auto* const remove = std::get_if<Remove>(&request)) {
        return find(remove->path).mounted.options;
    }
    return holder_of(descriptor_of(request)).options;
}

std::int32_t Disks::open(int fd, const Open& open) {
    const Place place = find(open.path);
    return place.mounted.disk.open(fd, place.path, open.flags, open.mode);
}

std::int32_t Disks::perform(const Request& request, std::int64_t unix_seconds) {
    if (const auto* const rename = std::get_if<Rename>(&request)) {
        const Place from = find(rename->from);
        const Place to = find(rename->to);
        return &from.mounted == &to.mounted ? to.mounted.disk.rename(from.path, to.path) : -EXDEV;
    }
    if (const auto* const remove = std::get_if<Remove>(&request)) {
        const Place place = find(remove->path);
        return place.mounted.disk.remove(place.path);
    }
    Mounted& mounted = holder_of(descriptor_of(request));
    Disk& disk = mounted.disk;
    if (const auto* const link = std::get_if<Link>(&request)) {
        const Place place = find(link->path);
        return &place.mounted == &mounted ? disk.link(link->fd, place.path) : -EXDEV;
    }
    if (const auto* const read = std::get_if<Read>(&request)) {
        return disk.read(read->fd, read->into, read->offset);
    }
    if (const auto* const write = std::get_if<Write>(&request)) {
        return disk.write(write->fd, write->from, write->offset, unix_seconds);
    }
    if (const auto* const sync = std::get_if<Sync>(&request)) {
        return disk.sync(sync->fd);
    }
    const auto& status = std::get<ReadStatus>(request);
    return disk.status(status.fd, *status.into);
}

Disks::Place Disks::find(std::string_view path) noexcept {
    for (Mounted& each : mounted_) {
        const std::size_t octets = each.directory.size();
        const bool is_in =
            path.starts_with(each.directory) && (path.size() == octets || path[octets] == '/');
        if (octets > 0 && is_in) {
            return {each, path.size() == octets ? "/" : path.substr(octets)};
        }
    }
    return {mounted_.front(), path};
}

Disks::Mounted& Disks::holder_of(int fd) noexcept {
    const auto found =
        std::ranges::find_if(mounted_, [&](const Mounted& each) { return each.disk.has(fd); });
    ensure(found != mounted_.end());
    return *found;
}

}  // namespace sluice::simulation
