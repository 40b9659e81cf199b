#include "sluice/examples/progress_bar.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

namespace sluice::examples {

namespace {

constexpr Duration redraw_pause = std::chrono::milliseconds(100);
constexpr std::size_t cells = 30;
constexpr const char* clear_line = "\r\x1b[K";

}  // namespace

ProgressBar::ProgressBar(Loop& loop, std::optional<std::uint64_t> total)
    : loop_(loop),
      total_(total),
      began_(loop.now()),
      due_(loop.now() + redraw_pause),
      watched_(::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() {
    if (drawn_) {
        std::fputs(clear_line, stderr);
    }
}

void ProgressBar::add(std::uint64_t octets) {
    done_ += octets;
    if (watched_ && loop_.now() >= due_) {
        due_ = loop_.now() + redraw_pause;
        draw();
    }
}

void ProgressBar::draw() {
    std::string line = clear_line;
    if (total_ && *total_ > 0) {
        const double part =
            std::min(1.0, static_cast<double>(done_) / static_cast<double>(*total_));
        const auto filled = static_cast<std::size_t>(part * static_cast<double>(cells));
        line += "  [" + std::string(filled, '#') + std::string(cells - filled, '-') + "] ";
        std::array<char, 16> percent{};
        std::snprintf(percent.data(), percent.size(), "%3.0f %%  ", part * 100);
        line += percent.data();
    }
    line += octets_for_people(done_);
    line += total_ ? " of " + octets_for_people(*total_) : "";
    line += "  " + rate_for_people(done_, loop_.now() - began_);
    std::fputs(line.c_str(), stderr);
    std::fflush(stderr);
    drawn_ = true;
}

std::string octets_for_people(std::uint64_t octets) {
    constexpr std::array units = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    if (octets < 1024) {
        return std::to_string(octets) + (octets == 1 ? " octet" : " octets");
    }
    double number = static_cast<double>(octets) / 1024;
    std::size_t unit = 0;
    while (number >= 1024 && unit + 1 < units.size()) {
        number /= 1024;
        ++unit;
    }
    const bool whole = number >= 100 || number == static_cast<double>(static_cast<int>(number));
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.*f %s", whole ? 0 : 1, number, units.at(unit));
    return text.data();
}

std::string rate_for_people(std::uint64_t octets, Duration duration) {
    const double seconds = std::max(1e-3, std::chrono::duration<double>(duration).count());
    return octets_for_people(static_cast<std::uint64_t>(static_cast<double>(octets) / seconds)) +
           "/s";
}

}  // namespace sluice::examples
