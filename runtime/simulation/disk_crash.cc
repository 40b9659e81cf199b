// Of Disk: which names survive, and the way from one machine to the next.

#include "sluice/runtime/simulation/disk.h"

#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <set>
#include <utility>

namespace sluice::simulation {

void Disk::change(NameChange change) {
    if (change.from != nullptr) {
        change.from->names.erase(change.old_name);
    }
    if (change.to != nullptr) {
        change.to->names[change.new_name] = change.node;
    }
    changes_.push_back(std::move(change));
}

// A rename between two directories is kept with either; and so is what came before it in the other.
void Disk::sync_names(const NodePointer& directory) {
    std::set<NodePointer> synced{directory};
    std::vector<NameChange> left;
    std::vector<NameChange> kept;
    for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
        if (!synced.contains(change->from) && !synced.contains(change->to)) {
            left.push_back(std::move(*change));
            continue;
        }
        for (const NodePointer& touched : {change->from, change->to}) {
            if (touched != nullptr) {
                synced.insert(touched);
            }
        }
        kept.push_back(std::move(*change));
    }
    for (auto change = kept.rbegin(); change != kept.rend(); ++change) {
        if (change->from != nullptr) {
            change->from->synced_names.erase(change->old_name);
        }
        if (change->to != nullptr) {
            change->to->synced_names[change->new_name] = change->node;
        }
    }
    std::ranges::reverse(left);
    changes_ = std::move(left);
}

DiskImage Disk::crash(Random& random) const {
    // The last changes may be missing, or any of them: journals keep order, and not all disks do.
    const bool in_order = random.chance(50);
    const std::size_t end = in_order ? random.between(0, changes_.size()) : changes_.size();
    std::map<const Node*, Names> names;
    const auto names_of = [&names](const NodePointer& directory) -> Names& {
        return names.try_emplace(directory.get(), directory->synced_names).first->second;
    };
    for (std::size_t index = 0; index < end; ++index) {
        const NameChange& change = changes_[index];
        const bool is_kept = in_order || random.chance(50);
        if (is_kept && change.from != nullptr) {
            names_of(change.from).erase(change.old_name);
        }
        if (is_kept && change.to != nullptr) {
            names_of(change.to)[change.new_name] = change.node;
        }
    }

    DiskImage image;
    std::vector<NodePointer> found{root_};
    std::map<const Node*, std::size_t> indices{{root_.get(), 0}};
    for (std::size_t index = 0; index < found.size(); ++index) {
        const NodePointer node = found[index];
        DiskImage::Node& left = image.nodes.emplace_back();
        left.is_directory = node->is_directory;
        left.mode = node->mode;
        left.modified_seconds = node->modified_seconds;
        left.contents = node->pages.crash(random);
        for (const auto& [name, other] : names_of(node)) {
            const auto [entry, is_new] = indices.try_emplace(other.get(), found.size());
            if (is_new) {
                found.push_back(other);
            }
            left.names.emplace(name, entry->second);
        }
    }
    return image;
}

void Disk::load(const DiskImage& image) {
    ensure(open_.empty());
    ensure(!image.nodes.empty());
    std::vector<NodePointer> made;
    used_octets_ = 0;
    for (const DiskImage::Node& each : image.nodes) {
        made.push_back(make_node(each.is_directory, each.mode));
        made.back()->modified_seconds = each.modified_seconds;
        made.back()->pages = Pages(each.contents);
        used_octets_ += each.contents.size();
    }
    for (std::size_t index = 0; index < made.size(); ++index) {
        for (const auto& [name, other] : image.nodes[index].names) {
            ++made[other]->links;
            made[index]->names.emplace(name, made[other]);
        }
        made[index]->synced_names = made[index]->names;
    }
    changes_.clear();
    root_ = made.front();
}

}  // namespace sluice::simulation
