// Costs: what small things cost, measured the same way with Sluice, with Boost.Asio and with libuv.
//
// Each function does a thing so many times and yields the nanoseconds that one of them took.

#pragma once

#include <chrono>
#include <cstddef>

namespace sluice::bench {

class Stopwatch {
public:
    // Nanoseconds since it was made, for each of so many.
    [[nodiscard]] double each_of(std::size_t count) const {
        const std::chrono::duration<double, std::nano> passed =
            std::chrono::steady_clock::now() - begin_;
        return passed.count() / static_cast<double>(count);
    }

private:
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

inline constexpr std::size_t channel_items_max = 64;
inline constexpr std::size_t file_block_octets = 4096;
inline constexpr std::size_t file_blocks = 256;
inline constexpr std::size_t ping_octets = 64;

using Cost = double (*)(std::size_t count);

// Null: that library has no such thing.
struct Costs {
    Cost await_a_task = nullptr;         // A child that returns at once.
    Cost resume_from_queue = nullptr;    // A task that lets the others run.
    Cost post_there_and_back = nullptr;  // To a thread that sleeps, and its answer.
    Cost post_one_way = nullptr;         // To a thread that is busy with the last ones.
    Cost channel_one_thread = nullptr;   // An item through a bounded channel.
    Cost channel_two_threads = nullptr;
    Cost mutex_hand_off = nullptr;  // Between two tasks that both want it.
    Cost timer_set_and_cancel = nullptr;
    Cost file_read = nullptr;      // 4 KiB that are in the page cache.
    Cost tcp_ping_pong = nullptr;  // 64 octets there and back, both ends in one thread.
};

[[nodiscard]] Costs sluice_costs();
[[nodiscard]] Costs asio_costs();
[[nodiscard]] Costs uv_costs();

// A file of file_blocks blocks, in the page cache.
[[nodiscard]] const char* cached_file();

}  // namespace sluice::bench
