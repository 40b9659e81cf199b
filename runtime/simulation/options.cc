#include "sluice/runtime/simulation/options.h"

#include "sluice/runtime/simulation/random.h"

namespace sluice::simulation {

namespace {

// Off in half of all worlds, so that the faults are met alone as well as together.
int percent(Random& random, std::uint64_t most) {
    return random.chance(50) ? 0 : static_cast<int>(random.between(1, most));
}

std::size_t octets(Random& random, std::size_t usual) {
    return random.chance(50) ? usual : random.between(1, 4096);
}

}  // namespace

Options faulty(std::uint64_t seed) {
    Random random(~seed);
    Options options;
    options.seed = seed;
    options.network.latency_max += Duration(random.below(2'000'000));
    options.network.send_buffer_octets = octets(random, options.network.send_buffer_octets);
    options.network.receive_buffer_octets = octets(random, options.network.receive_buffer_octets);
    options.network.cut_segment_percent = percent(random, 100);
    options.disk.latency_max += Duration(random.below(2'000'000));
    options.disk.short_read_percent = percent(random, 50);
    options.disk.short_write_percent = percent(random, 50);
    options.short_send_percent = percent(random, 50);
    options.short_receive_percent = percent(random, 100);
    options.multishot_end_percent = percent(random, 50);
    options.no_buffer_percent = percent(random, 20);
    options.accept_error_percent = percent(random, 20);
    options.cancel_loses_percent = static_cast<int>(random.below(101));
    return options;
}

Options hostile(std::uint64_t seed) {
    Random random(~seed ^ seed << 32);
    Options options = faulty(seed);
    options.network.refused_percent = percent(random, 20);
    options.network.unreachable_percent = percent(random, 10);
    options.network.unanswered_percent = percent(random, 10);
    options.network.cut_percent = percent(random, 30);
    options.no_socket_percent = percent(random, 10);
    options.accept_aborted_percent = percent(random, 10);
    options.disk.stall_percent = percent(random, 10);
    options.disk.open_error_percent = percent(random, 10);
    options.disk.read_error_percent = percent(random, 10);
    options.disk.write_error_percent = percent(random, 10);
    options.disk.sync_error_percent = percent(random, 10);
    options.disk.name_error_percent = percent(random, 10);
    options.network.no_port_percent = percent(random, 10);
    options.send_error_percent = percent(random, 10);
    return options;
}

}  // namespace sluice::simulation
