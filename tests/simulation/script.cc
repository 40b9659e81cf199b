#include "sluice/tests/simulation/script.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace sluice::campaign {

namespace {

using simulation::Cut;
using simulation::CutKind;
using simulation::Direction;

struct KindRow {
    FaultKind kind;
    std::string_view name;
    int percent;         // Of worlds that have it.
    std::uint64_t most;  // Its amount is 1 to this.
};

// What a world has once, or not.
constexpr std::array world_rows = {
    KindRow{FaultKind::cut_segments, "cut_segments", 40, 60},
    KindRow{FaultKind::short_sends, "short_sends", 40, 50},
    KindRow{FaultKind::short_receives, "short_receives", 40, 60},
    KindRow{FaultKind::multishot_ends, "multishot_ends", 40, 50},
    KindRow{FaultKind::no_buffers, "no_buffers", 30, 20},
    KindRow{FaultKind::accept_errors, "accept_errors", 20, 20},
    KindRow{FaultKind::accepts_aborted, "accepts_aborted", 10, 30},
    KindRow{FaultKind::no_sockets, "no_sockets", 10, 30},
    KindRow{FaultKind::cancels_lose, "cancels_lose", 80, 100},
    KindRow{FaultKind::connects_refused, "connects_refused", 10, 40},
    KindRow{FaultKind::connects_unreachable, "connects_unreachable", 5, 40},
    KindRow{FaultKind::connects_unanswered, "connects_unanswered", 5, 30},
    KindRow{FaultKind::disk_stalls, "disk_stalls", 10, 20},
    KindRow{FaultKind::short_reads, "short_reads", 30, 50},
    KindRow{FaultKind::short_writes, "short_writes", 30, 50},
    KindRow{FaultKind::open_errors, "open_errors", 15, 20},
    KindRow{FaultKind::read_errors, "read_errors", 15, 10},
    KindRow{FaultKind::write_errors, "write_errors", 15, 10},
    KindRow{FaultKind::sync_errors, "sync_errors", 15, 30},
    KindRow{FaultKind::name_errors, "name_errors", 10, 20},
    KindRow{FaultKind::small_send_buffer, "small_send_buffer", 40, 4096},
    KindRow{FaultKind::small_receive_buffer, "small_receive_buffer", 40, 4096},
    KindRow{FaultKind::small_disk, "small_disk", 10, 20'000},
    KindRow{FaultKind::latency, "latency", 50, 3000},
    KindRow{FaultKind::disk_latency, "disk_latency", 50, 3000},
    KindRow{FaultKind::drain, "drain", 15, 40},
    KindRow{FaultKind::close_client, "close_client", 10, 40},
    KindRow{FaultKind::crash, "crash", 40, 40},
};

// Of which worlds have some more, at the end of their scripts: so the numbers that earlier ones are
// left out by, and what else a seed makes, stay what they were.
constexpr std::array later_rows = {
    KindRow{FaultKind::no_ports, "no_ports", 10, 30},
    KindRow{FaultKind::send_errors, "send_errors", 10, 20},
    KindRow{FaultKind::tcp_gives_up, "tcp_gives_up", 30, 5000},
};

// What goes wrong with some exchanges of a world.
constexpr std::array call_rows = {
    KindRow{FaultKind::client_cancels, "client_cancels", 5, 20'000},
    KindRow{FaultKind::client_source_fails, "client_source_fails", 3, 20'000},
    KindRow{FaultKind::client_sink_fails, "client_sink_fails", 3, 20'000},
    KindRow{FaultKind::client_leaves_unfinished, "client_leaves_unfinished", 2, 20'000},
    KindRow{FaultKind::client_writes_too_much, "client_writes_too_much", 2, 20'000},
    KindRow{FaultKind::client_lets_go, "client_lets_go", 2, 20'000},
    KindRow{FaultKind::client_sleeps, "client_sleeps", 3, 20'000},
    KindRow{FaultKind::client_deadline, "client_deadline", 6, 30},
    KindRow{FaultKind::client_asks_nonsense, "client_asks_nonsense", 1, 2},
    KindRow{FaultKind::handler_throws, "handler_throws", 4, 20'000},
    KindRow{FaultKind::handler_aborts, "handler_aborts", 3, 20'000},
    KindRow{FaultKind::handler_falls_short, "handler_falls_short", 2, 20'000},
    KindRow{FaultKind::handler_writes_too_much, "handler_writes_too_much", 2, 20'000},
    KindRow{FaultKind::handler_sleeps, "handler_sleeps", 4, 20'000},
};

std::string_view name(FaultKind kind) noexcept {
    for (const KindRow& row : world_rows) {
        if (row.kind == kind) {
            return row.name;
        }
    }
    for (const KindRow& row : call_rows) {
        if (row.kind == kind) {
            return row.name;
        }
    }
    for (const KindRow& row : later_rows) {
        if (row.kind == kind) {
            return row.name;
        }
    }
    return kind == FaultKind::flip ? "flip" : "cut";
}

std::string_view name(CutKind kind) noexcept {
    switch (kind) {
        case CutKind::reset: return "reset";
        case CutKind::fin: return "fin";
        case CutKind::silence: return "silence";
    }
    return {};
}

// Half of all amounts are small: most of what can be cut short is.
std::uint64_t amount(Random& random, std::uint64_t most) {
    return random.chance(50) ? random.between(1, most)
                             : random.between(1, std::min<std::uint64_t>(most, 600));
}

// What an attacker does, who stands between the ends, knows no keys and cuts nothing. The version
// in the header of the first record is left alone: nothing protects it, and nobody reads it.
void add_faults_of_tls(Script& script) {
    Random random(script.seed ^ 0x666c6970);
    const std::uint64_t flips = random.chance(70) ? 0 : random.between(1, 3);
    for (std::uint64_t count = 0; count < flips; ++count) {
        const Cut where{
            .connection = random.below(6),
            .direction = random.chance(50) ? Direction::to_client : Direction::to_server,
            .after_octets = std::max<std::uint64_t>(amount(random, 20'000), 3),
            .kind = CutKind::reset};
        const auto is_same = [&](const Fault& each) {
            return each.kind == FaultKind::flip && each.cut.connection == where.connection &&
                   each.cut.direction == where.direction &&
                   each.cut.after_octets == where.after_octets;
        };
        if (std::ranges::none_of(script.faults, is_same)) {  // Twice would be not at all.
            script.faults.push_back({.kind = FaultKind::flip, .cut = where});
        }
    }
}

}  // namespace

std::string_view name(Workload workload) noexcept {
    switch (workload) {
        case Workload::upload: return "upload";
        case Workload::download: return "download";
        case Workload::proxy: return "proxy";
        case Workload::store: return "store";
        case Workload::mixed: return "mixed";
    }
    return {};
}

std::optional<Workload> workload_of(std::string_view text) noexcept {
    for (const Workload each : {Workload::upload, Workload::download, Workload::proxy,
                                Workload::store, Workload::mixed}) {
        if (name(each) == text) {
            return each;
        }
    }
    return std::nullopt;
}

std::string describe(const Fault& fault) {
    std::string text(name(fault.kind));
    if (fault.kind == FaultKind::cut || fault.kind == FaultKind::flip) {
        if (fault.kind == FaultKind::cut) {
            text.append(" (").append(name(fault.cut.kind)).append(")");
        }
        text.append(" of connection ");
        text.append(std::to_string(fault.cut.connection));
        text.append(fault.cut.direction == Direction::to_client ? " to client" : " to server");
        return text.append(" after ").append(std::to_string(fault.cut.after_octets));
    }
    if (fault.kind >= FaultKind::client_cancels && fault.kind <= FaultKind::handler_sleeps) {
        text.append(" of exchange ").append(std::to_string(fault.subject));
    }
    return text.append(" at ").append(std::to_string(fault.amount));
}

const Fault* Script::find(FaultKind kind) const {
    return find(kind, kind, 0);
}

const Fault* Script::find(FaultKind least, FaultKind most, std::uint32_t subject) const {
    for (std::size_t number = 0; number < faults.size(); ++number) {
        const Fault& fault = faults[number];
        if (fault.kind >= least && fault.kind <= most && fault.subject == subject && has(number)) {
            return &fault;
        }
    }
    return nullptr;
}

Script script_of(std::uint64_t seed, Workload workload, bool over_tls) {
    Random random(~seed);
    Script script{.seed = seed, .workload = workload, .faults = {}, .without = {}};
    script.over_tls = over_tls;
    // A tenth of all worlds is as good as can be: there everything must be whole.
    if (random.chance(10)) {
        return script;
    }
    for (const KindRow& row : world_rows) {
        const bool has = random.chance(row.percent);
        const Fault fault{.kind = row.kind, .amount = amount(random, row.most)};
        if (has) {
            script.faults.push_back(fault);
        }
    }
    Random later(seed ^ 0x6c61746572);
    const std::uint64_t cuts = random.chance(50) ? 0 : random.between(1, 3);
    for (std::uint64_t count = 0; count < cuts; ++count) {
        using enum CutKind;
        const Cut cut{.connection = random.below(6),
                      .direction = random.chance(50) ? Direction::to_client : Direction::to_server,
                      .after_octets = amount(random, 30'000),
                      .kind = std::array{reset, fin, silence}[random.below(3)]};
        script.faults.push_back({.kind = FaultKind::cut, .cut = cut});
    }
    for (std::uint32_t call = 0; call < calls_max; ++call) {
        for (const KindRow& row : call_rows) {
            if (random.chance(row.percent)) {
                script.faults.push_back({row.kind, call, amount(random, row.most), {}});
                break;
            }
        }
    }
    for (const KindRow& row : later_rows) {
        if (later.chance(row.percent)) {
            script.faults.push_back({.kind = row.kind, .amount = amount(later, row.most)});
        }
    }
    if (over_tls) {
        add_faults_of_tls(script);
    }
    return script;
}

simulation::Options options_of(const Script& script) {
    simulation::Options options;
    options.seed = script.seed;
    if (script.singles) {
        options.script = script.singles->faults;
    }
    for (std::size_t number = 0; number < script.faults.size(); ++number) {
        if (!script.has(number)) {
            continue;
        }
        const Fault& fault = script.faults[number];
        const int percent = static_cast<int>(fault.amount);
        const auto later = std::chrono::microseconds(fault.amount);
        switch (fault.kind) {
            case FaultKind::cut_segments: options.network.cut_segment_percent = percent; break;
            case FaultKind::short_sends: options.short_send_percent = percent; break;
            case FaultKind::short_receives: options.short_receive_percent = percent; break;
            case FaultKind::multishot_ends: options.multishot_end_percent = percent; break;
            case FaultKind::no_buffers: options.no_buffer_percent = percent; break;
            case FaultKind::accept_errors: options.accept_error_percent = percent; break;
            case FaultKind::accepts_aborted: options.accept_aborted_percent = percent; break;
            case FaultKind::no_sockets: options.no_socket_percent = percent; break;
            case FaultKind::cancels_lose: options.cancel_loses_percent = percent; break;
            case FaultKind::connects_refused: options.network.refused_percent = percent; break;
            case FaultKind::connects_unreachable:
                options.network.unreachable_percent = percent;
                break;
            case FaultKind::connects_unanswered:
                options.network.unanswered_percent = percent;
                break;
            case FaultKind::no_ports: options.network.no_port_percent = percent; break;
            case FaultKind::send_errors: options.send_error_percent = percent; break;
            case FaultKind::disk_stalls: options.disk.stall_percent = percent; break;
            case FaultKind::name_errors: options.disk.name_error_percent = percent; break;
            case FaultKind::short_reads: options.disk.short_read_percent = percent; break;
            case FaultKind::short_writes: options.disk.short_write_percent = percent; break;
            case FaultKind::open_errors: options.disk.open_error_percent = percent; break;
            case FaultKind::read_errors: options.disk.read_error_percent = percent; break;
            case FaultKind::write_errors: options.disk.write_error_percent = percent; break;
            case FaultKind::sync_errors: options.disk.sync_error_percent = percent; break;
            case FaultKind::small_send_buffer:
                options.network.send_buffer_octets = fault.amount;
                break;
            case FaultKind::small_receive_buffer:
                options.network.receive_buffer_octets = fault.amount;
                break;
            case FaultKind::small_disk: options.disk.capacity_octets = fault.amount; break;
            case FaultKind::latency: options.network.latency_max += later; break;
            case FaultKind::disk_latency: options.disk.latency_max += later; break;
            case FaultKind::cut: options.cuts.push_back(fault.cut); break;
            case FaultKind::client_cancels:
            case FaultKind::client_source_fails:
            case FaultKind::client_sink_fails:
            case FaultKind::client_leaves_unfinished:
            case FaultKind::client_writes_too_much:
            case FaultKind::client_lets_go:
            case FaultKind::client_sleeps:
            case FaultKind::client_deadline:
            case FaultKind::client_asks_nonsense:
            case FaultKind::handler_throws:
            case FaultKind::handler_aborts:
            case FaultKind::handler_falls_short:
            case FaultKind::handler_writes_too_much:
            case FaultKind::handler_sleeps:
            case FaultKind::drain:
            case FaultKind::close_client:
            case FaultKind::crash:
            case FaultKind::flip:
            case FaultKind::tcp_gives_up: break;
        }
    }
    return options;
}

// Whoever waits for octets and sends none learns by keep-alive alone that nobody is there.
SocketOptions socket_options_of(const Script& script) {
    const Fault* const gives_up = script.find(FaultKind::tcp_gives_up);
    if (gives_up == nullptr) {
        return {};
    }
    const std::chrono::milliseconds limit(gives_up->amount);
    return {.unacknowledged_max = limit,
            .keep_alive_after = std::chrono::seconds(1),
            .keep_alive_interval = std::chrono::seconds(1),
            .keep_alive_probes = 3};
}

}  // namespace sluice::campaign
