#include "sluice/runtime/call_site.h"

#include "sluice/runtime/function_name.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

namespace sluice {

namespace {

constexpr std::size_t tasks_max = 6;    // The nearest.
constexpr std::size_t sites_max = 256;  // Of a thread: a program that has more is told of no place.

struct Site {
    std::array<const void*, tasks_max> functions{};  // That destroy a frame of theirs.
    bool is_news = true;
};

std::vector<Site>& sites() {
    thread_local std::vector<Site> all(1);
    return all;
}

}  // namespace

CallSite CallSite::of(const Coroutine& task) {
    std::array<const void*, tasks_max> functions{};
    const Coroutine* each = &task;
    for (std::size_t index = 0; index < tasks_max && each != nullptr; ++index) {
        functions.at(index) = static_cast<const void* const*>(each->frame.address())[1];
        each = each->awaiter();
    }
    std::vector<Site>& all = sites();
    const auto known = std::ranges::find(all, functions, &Site::functions);
    CallSite site;
    if (known != all.end() || all.size() < sites_max) {
        site.number_ = static_cast<std::uint32_t>(known - all.begin());
    }
    if (known == all.end() && all.size() < sites_max) {
        all.push_back({functions});
    }
    return site;
}

std::string CallSite::description() const {
    if (number_ == 0) {
        return "nobody knows whom";
    }
    std::string text;
    for (const void* const function : sites()[number_].functions) {
        if (function != nullptr) {
            text.append(text.empty() ? "" : ", for ").append(function_name(function).name);
        }
    }
    return text;
}

bool CallSite::is_news() const noexcept {
    return std::exchange(sites()[number_].is_news, false);
}

}  // namespace sluice
