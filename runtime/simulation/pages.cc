#include "sluice/runtime/simulation/pages.h"

#include <algorithm>

namespace sluice::simulation {

void Pages::write(std::span<const std::byte> octets, std::size_t offset) {
    if (octets.empty()) {
        return;
    }
    const std::size_t end = offset + octets.size();
    touch(offset / sector_octets, (end + sector_octets - 1) / sector_octets);
    if (end > contents_.size()) {
        resize(end);
    }
    std::ranges::copy(octets, contents_.begin() + static_cast<std::ptrdiff_t>(offset));
}

void Pages::truncate() {
    if (!contents_.empty()) {
        touch(0, (contents_.size() + sector_octets - 1) / sector_octets);
        resize(0);
    }
}

void Pages::sync() {
    synced_.resize(contents_.size());
    for (std::size_t index = 0; index < states_.size(); ++index) {
        if (states_[index] == State::dirty) {
            states_[index] = State::clean;
            put(synced_, index, sector_of(contents_, index));
            older_.erase(index);
        }
    }
    sizes_.clear();
}

void Pages::fail_to_sync() noexcept {
    std::ranges::replace(states_, State::dirty, State::lost);
}

std::vector<std::byte> Pages::crash(Random& random) const {
    // All of it and nothing of it are drawn more often than by the toss of a coin for each sector.
    const std::uint64_t inclination = random.below(4);
    const int percent = inclination == 0 ? 0 : inclination == 1 ? 100 : 50;
    std::vector<std::byte> left(synced_);
    if (!sizes_.empty() && random.chance(percent)) {
        left.resize(percent == 100 ? contents_.size() : sizes_[random.below(sizes_.size())]);
    }
    for (std::size_t index = 0; index < states_.size(); ++index) {
        if (states_[index] == State::clean || !random.chance(percent)) {
            continue;
        }
        const auto older = older_.find(index);
        const std::size_t versions = older == older_.end() ? 0 : older->second.size();
        const std::size_t drawn = percent == 100 ? versions : random.below(versions + 1);
        put(left, index, drawn == versions ? sector_of(contents_, index) : older->second[drawn]);
    }
    return left;
}

// Beyond the end there are zeros.
Pages::Sector Pages::sector_of(std::span<const std::byte> octets, std::size_t index) {
    Sector sector{};
    const std::size_t begin = std::min(index * sector_octets, octets.size());
    const std::size_t end = std::min(begin + sector_octets, octets.size());
    std::ranges::copy(octets.subspan(begin, end - begin), sector.begin());
    return sector;
}

void Pages::put(std::vector<std::byte>& octets, std::size_t index, const Sector& sector) {
    const std::size_t begin = std::min(index * sector_octets, octets.size());
    const std::size_t end = std::min(begin + sector_octets, octets.size());
    std::ranges::copy(std::span(sector).first(end - begin),
                      octets.begin() + static_cast<std::ptrdiff_t>(begin));
}

// Sectors are about to change.
void Pages::touch(std::size_t first, std::size_t end) {
    states_.resize(std::max(states_.size(), end), State::clean);
    for (std::size_t index = first; index < end; ++index) {
        if (states_[index] != State::clean) {
            older_[index].push_back(sector_of(contents_, index));
        }
        states_[index] = State::dirty;
    }
}

void Pages::resize(std::size_t size) {
    contents_.resize(size);
    sizes_.push_back(size);
}

}  // namespace sluice::simulation
