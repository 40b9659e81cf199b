// SimulatedBackend: a kernel, a network, a disk and a clock made from one seed.
//
// The production Loop, and all above it, runs on this unchanged, with any number of clients and
// servers in one world. Each wait() delivers one completion, or a few, chosen at random among those
// that could be: every interleaving that a kernel may produce has a seed, and a failing seed
// replays. Time moves only when nothing else can.
//
// Ownership:    As Backend says. Destroying it while an operation is in flight, a descriptor open
//               or a buffer lent is a violation.
// Cancellation: Wins or loses by the seed wherever it could do either.
// Errors:       A wait() that could never end, and a descriptor misused, are violations: a report
//               that names every operation in flight, and an abort.
// Threading:    One thread, but for wake().

#pragma once

#include "sluice/runtime/backend.h"
#include "sluice/runtime/simulation/agenda.h"
#include "sluice/runtime/simulation/disk.h"
#include "sluice/runtime/simulation/disks.h"
#include "sluice/runtime/simulation/faults.h"
#include "sluice/runtime/simulation/network.h"
#include "sluice/runtime/simulation/options.h"
#include "sluice/runtime/simulation/random.h"
#include "sluice/runtime/simulation/receive_pool.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::simulation {

class SimulatedBackend final : public Backend, private DescriptorObserver {
public:
    explicit SimulatedBackend(const Options& options = {});
    SimulatedBackend(SimulatedBackend&&) = delete;
    ~SimulatedBackend();

    void submit(Operation& operation) noexcept override;
    void cancel(Operation& operation) noexcept override;
    void wait(Instant until) noexcept override;
    void wake() noexcept override;
    [[nodiscard]] Instant now() const noexcept override { return now_; }
    [[nodiscard]] std::int64_t unix_seconds() const noexcept override;
    [[nodiscard]] Result<int> open_socket(int family) noexcept override;
    [[nodiscard]] Result<int> listen(const Endpoint& at,
                                     const ListenOptions& options) noexcept override;
    void configure(int fd, const SocketOptions& options) noexcept override;
    [[nodiscard]] Endpoint local_endpoint(int fd) noexcept override;
    [[nodiscard]] Endpoint peer_endpoint(int fd) noexcept override;
    void shut_down_sending(int fd) noexcept override;
    [[nodiscard]] SocketState socket_state(int fd) noexcept override;
    [[nodiscard]] int take_error(int fd) noexcept override;
    [[nodiscard]] bool seal(int fd, const SealingKeys& keys) noexcept override;
    [[nodiscard]] std::optional<std::uint64_t> next_record(int fd) noexcept override;
    void close(int fd, Ending ending = Ending::orderly) noexcept override;
    [[nodiscard]] std::string_view name() const noexcept override { return "simulated"; }

    // What connects to `to` meet, from now on.
    void make(const Endpoint& to, Reachability reachability) { network_.make(to, reachability); }

    // Cuts a connection, counted from 0 as in Cut, now.
    void cut(std::size_t connection, Direction direction, CutKind kind) noexcept;

    // From now on nothing reaches the host at this address, nothing comes from it, and nobody is
    // told. What still runs there writes to its disk, unless that is off too.
    void power_off(const Endpoint& host) { network_.power_off(host); }

    // The disk at "/"; and another host's, which programs find under this directory.
    [[nodiscard]] Disk& disk() noexcept { return disks_.root(); }
    Disk& mount(std::string_view directory, const DiskOptions& options = {}) {
        return disks_.mount(directory, options);
    }

    // Calls `act` at an instant of the world's own time: to cut, to crash, to look. It resumes
    // nothing, and a world that ends before does without it.
    void at(Instant instant, const std::function<void()>& act) { planned_.put(instant, act); }

    // What went wrong so far, in order: a script that makes it go wrong again.
    [[nodiscard]] const std::vector<Fault>& faults() const noexcept { return faults_.injected(); }

    // Called with the report of a violation, instead of the abort. It may let the world go on:
    // cancel, stop, close.
    void on_violation(std::function<void(const std::string&)> handler) {
        handler_ = std::move(handler);
    }

    [[nodiscard]] std::size_t operations_in_flight() const noexcept { return entries_.size(); }
    [[nodiscard]] std::size_t descriptors_open() const noexcept { return descriptors_open_; }
    [[nodiscard]] std::size_t buffers_lent() const noexcept { return buffers_.lent(); }

    // One line for each operation in flight, oldest first.
    [[nodiscard]] std::string report() const;

private:
    using Id = std::uint64_t;

    // An operation in flight.
    struct Entry {
        Operation* operation;
        Id id;
        int fd;
        bool started = false;
        bool cancelled = false;
        bool fails = false;      // Of a Send: with ENOBUFS.
        bool is_due = false;     // Of a file operation: the disk has done it.
        bool is_ready = false;   // It is in `ready_`.
        bool is_parked = false;  // It is in `parked_`.
        std::size_t to_send = 0;
        std::size_t sent = 0;
        std::uint32_t told = 0;  // By a multishot Poll.
    };

    void changed(int fd) noexcept override;

    void start(Entry& entry) noexcept;
    void push_octets(Entry& entry) noexcept;
    void refresh(Entry& entry) noexcept;
    [[nodiscard]] bool could_complete(const Entry& entry) const noexcept;
    [[nodiscard]] bool complete_some() noexcept;
    [[nodiscard]] bool complete(Entry& entry) noexcept;
    [[nodiscard]] bool complete_receive(Entry& entry) noexcept;
    void complete_accept(Entry& entry) noexcept;
    [[nodiscard]] std::uint32_t events_of(const Entry& entry) const noexcept;
    [[nodiscard]] bool ends_multishot();
    [[nodiscard]] std::int32_t result_of_send(Entry& entry) noexcept;
    [[nodiscard]] std::int32_t result_of_file(const Request& request) noexcept;
    void park_if_starved(Entry& entry) noexcept;
    void deliver(Entry& entry, Completion completion) noexcept;
    void take_due() noexcept;
    void set_now(Instant now) noexcept;

    [[nodiscard]] Result<int> new_descriptor(Phase phase) noexcept;
    void check_descriptor(int fd, std::string_view what) noexcept;
    void violation(const std::string& what) noexcept;
    void trace(const Entry& entry, const std::string& what) noexcept;

    const Options options_;
    Random random_;
    Instant now_;
    Faults faults_;
    ReceivePool buffers_;
    Network network_;
    Disks disks_;
    std::function<void(const std::string&)> handler_;

    Id next_id_ = 1;
    std::map<Id, Entry> entries_;
    std::unordered_map<const Operation*, Id> ids_;
    std::unordered_map<int, std::vector<Id>> of_descriptor_;
    std::vector<Id> to_start_;
    std::vector<Id> ready_;   // Could complete, or could have a moment ago.
    std::vector<Id> parked_;  // Receives that found no buffer.
    Agenda<Id> due_;
    Agenda<std::function<void()>> planned_;

    int next_fd_ = 1000;  // Never used twice, so that a stale one is seen.
    std::size_t descriptors_open_ = 0;
    std::atomic<bool> woken_{false};
};

}  // namespace sluice::simulation
