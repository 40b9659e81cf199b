#include "sluice/runtime/simulation/simulated_backend.h"

#include "sluice/runtime/describe.h"
#include "sluice/runtime/ensure.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <span>
#include <utility>
#include <variant>

namespace sluice::simulation {

namespace {

constexpr Instant beginning{1'000'000'000};
constexpr std::int64_t beginning_unix_seconds = 1'800'000'000;

// What a wait() that did not wait and brought nothing costs: a task that yields in a loop sees time
// pass, as on a real machine.
constexpr Duration idle_turn{50'000};

// What io_uring tells of, asked or not.
constexpr std::uint32_t poll_always = POLLERR | POLLHUP | POLLRDHUP;

// How long Linux's worker may take to give TCP what the kernel sealed and TCP had no room for.
constexpr Duration gives_to_tcp_after{2'000'000};

// How long a Receive waits for a buffer that is there.
constexpr Duration parked_for{100'000};

std::size_t octets_of(std::span<const iovec> parts) noexcept {
    std::size_t octets = 0;
    for (const iovec& part : parts) {
        octets += part.iov_len;
    }
    return octets;
}

}  // namespace

SimulatedBackend::SimulatedBackend(const Options& options)
    : options_(options),
      random_(options.seed),
      now_(beginning),
      faults_(options_),
      buffers_(options.buffers, options.buffer_octets),
      network_(options, random_, faults_, *this),
      disks_(options.disk, faults_) {
    faults_.set_now(now_);
    network_.advance(now_);
}

SimulatedBackend::~SimulatedBackend() {
    if (!entries_.empty()) {
        std::fputs(report().c_str(), stderr);
    }
    ensure(entries_.empty());
    ensure(descriptors_open_ == 0);
    ensure(buffers_.lent() == 0);
}

void SimulatedBackend::submit(Operation& operation) noexcept {
    ensure(operation.state == Operation::State::idle);
    operation.state = Operation::State::in_flight;
    const Id id = next_id_++;
    const int fd = descriptor_of(operation.request);
    Entry& entry =
        entries_.emplace(id, Entry{.operation = &operation, .id = id, .fd = fd}).first->second;
    ids_.emplace(&operation, id);
    if (fd >= 0) {
        check_descriptor(fd, "an operation");
        of_descriptor_[fd].push_back(id);
    }
    to_start_.push_back(id);
    trace(entry, "submit " + describe(operation.request));
}

void SimulatedBackend::cancel(Operation& operation) noexcept {
    const auto found = ids_.find(&operation);
    if (found == ids_.end()) {
        return;
    }
    Entry& entry = entries_.at(found->second);
    if (!std::exchange(entry.cancelled, true)) {
        operation.state = Operation::State::cancelling;
        trace(entry, "cancel");
        refresh(entry);
    }
}

void SimulatedBackend::wait(Instant until) noexcept {
    for (const Id id : std::exchange(to_start_, {})) {
        start(entries_.at(id));
    }
    for (;;) {
        while (!planned_.empty() && planned_.next_at() <= now_) {
            planned_.take()();
        }
        network_.advance(now_);
        take_due();
        if (complete_some() || woken_.exchange(false)) {
            return;
        }
        if (until <= now_) {
            set_now(now_ + idle_turn);
            return;
        }
        const Instant next = std::min({network_.next_at(), due_.empty() ? never : due_.next_at(),
                                       planned_.empty() ? never : planned_.next_at()});
        if (next == never && until == never) {
            if (!options_.other_threads) {
                violation("this wait could never end");
                return;
            }
            woken_.wait(false);
            continue;
        }
        set_now(std::max(now_, std::min(next, until)));
    }
}

void SimulatedBackend::wake() noexcept {
    woken_.store(true);
    woken_.notify_one();
}

std::int64_t SimulatedBackend::unix_seconds() const noexcept {
    return beginning_unix_seconds + (now_ - beginning).count() / 1'000'000'000;
}

void SimulatedBackend::changed(int fd) noexcept {
    if (network_.holds_back(fd)) {
        planned_.put(now_ + gives_to_tcp_after, [this, fd] { network_.give_to_tcp(fd); });
    }
    const auto found = of_descriptor_.find(fd);
    if (found == of_descriptor_.end()) {
        return;
    }
    for (const Id id : found->second) {
        refresh(entries_.at(id));
    }
}

void SimulatedBackend::start(Entry& entry) noexcept {
    entry.started = true;
    const Request& request = entry.operation->request;
    if (const auto* const connect = std::get_if<Connect>(&request)) {
        network_.connect(connect->fd, *connect->to);
    } else if (const auto* const send = std::get_if<Send>(&request)) {
        entry.to_send = octets_of(send->parts);
        if (entry.to_send > 0) {
            entry.fails = faults_.happens(FaultKind::send_error, options_.send_error_percent);
        }
        if (entry.to_send > 0 && !entry.fails) {
            entry.to_send =
                faults_.draw(FaultKind::short_send, options_.short_send_percent, 1, entry.to_send)
                    .value_or(entry.to_send);
        }
    } else if (entry.fd < 0 || disks_.has(entry.fd)) {
        const DiskOptions& disk = disks_.options_for(request);
        const auto least = static_cast<std::uint64_t>(disk.latency_min.count());
        const auto most = static_cast<std::uint64_t>(disk.latency_max.count());
        const std::uint64_t slowness =
            faults_.happens(FaultKind::stall, disk.stall_percent) ? 100 : 1;
        const std::uint64_t takes = slowness * random_.between(least, most);
        due_.put(now_ + Duration(static_cast<std::int64_t>(takes)), entry.id);
    }
    refresh(entry);
}

// Gives the kernel what it has room for. A failure is left for the completion to find.
void SimulatedBackend::push_octets(Entry& entry) noexcept {
    const auto& send = std::get<Send>(entry.operation->request);
    std::size_t skip = entry.sent;
    for (const iovec& part : send.parts) {
        if (skip >= part.iov_len) {
            skip -= part.iov_len;
            continue;
        }
        const std::span all(static_cast<const std::byte*>(part.iov_base), part.iov_len);
        std::span<const std::byte> rest = all.subspan(skip);
        rest = rest.first(std::min(rest.size(), entry.to_send - entry.sent));
        if (rest.empty() || network_.refuses_to_send(entry.fd)) {
            return;
        }
        const std::int32_t count = network_.send(
            entry.fd, rest,
            send.record_type != nullptr ? send.record_type->value() : RecordType::application);
        if (count > 0) {
            entry.sent += static_cast<std::size_t>(count);
        }
        if (std::cmp_less(count, rest.size())) {
            return;
        }
        skip = 0;
    }
}

void SimulatedBackend::refresh(Entry& entry) noexcept {
    if (!entry.started) {
        return;
    }
    if (std::holds_alternative<Send>(entry.operation->request) && !entry.fails) {
        push_octets(entry);
    }
    const bool could = entry.cancelled || could_complete(entry);
    if (could && !entry.is_ready) {
        entry.is_ready = true;
        ready_.push_back(entry.id);
    }
    if (!could && std::holds_alternative<Receive>(entry.operation->request)) {
        park_if_starved(entry);
    }
}

bool SimulatedBackend::could_complete(const Entry& entry) const noexcept {
    const Request& request = entry.operation->request;
    if (std::holds_alternative<Accept>(request)) {
        return network_.acceptable(entry.fd);
    }
    if (std::holds_alternative<Connect>(request)) {
        return network_.connected(entry.fd) != -EINPROGRESS;
    }
    if (std::holds_alternative<Receive>(request)) {
        const bool may_take = network_.unread(entry.fd) == 0 || !buffers_.empty();
        return may_take && (network_.poll(entry.fd) & (POLLIN | POLLHUP)) != 0;
    }
    if (std::holds_alternative<Send>(request)) {
        return entry.fails || entry.sent == entry.to_send || network_.refuses_to_send(entry.fd);
    }
    if (std::holds_alternative<Poll>(request)) {
        const std::uint32_t events = events_of(entry);
        return events != 0 && events != entry.told;
    }
    return entry.is_due;
}

std::uint32_t SimulatedBackend::events_of(const Entry& entry) const noexcept {
    const auto& poll = std::get<Poll>(entry.operation->request);
    return network_.poll(entry.fd) & (poll.events | poll_always);
}

bool SimulatedBackend::complete_some() noexcept {
    // Whoever found no buffer tries again once there is one.
    if (!buffers_.empty()) {
        for (const Id id : std::exchange(parked_, {})) {
            if (const auto found = entries_.find(id); found != entries_.end()) {
                found->second.is_parked = false;
                refresh(found->second);
            }
        }
    }
    bool some = false;
    while (!ready_.empty()) {
        const std::size_t index = random_.below(ready_.size());
        const Id id = std::exchange(ready_[index], ready_.back());
        ready_.pop_back();
        const auto found = entries_.find(id);
        if (found == entries_.end()) {
            continue;
        }
        found->second.is_ready = false;
        some |= complete(found->second);
        if (some && random_.chance(50)) {
            break;
        }
    }
    return some;
}

// Whether it delivered anything: what was ready may not be any more.
bool SimulatedBackend::complete(Entry& entry) noexcept {
    const bool could = could_complete(entry);
    const bool cancel_wins =
        entry.cancelled && !(could && random_.chance(options_.cancel_loses_percent));
    const Request& request = entry.operation->request;
    if (cancel_wins && !(std::holds_alternative<Send>(request) && entry.sent > 0)) {
        deliver(entry, {.result = -ECANCELED});
        return true;
    }
    if (std::holds_alternative<Receive>(request)) {
        park_if_starved(entry);
        return could && complete_receive(entry);
    }
    if (!could && !cancel_wins) {
        return false;
    }
    if (std::holds_alternative<Accept>(request)) {
        complete_accept(entry);
    } else if (std::holds_alternative<Connect>(request)) {
        deliver(entry, {.result = network_.connected(entry.fd)});
    } else if (std::holds_alternative<Send>(request)) {
        deliver(entry, {.result = result_of_send(entry)});
    } else if (const auto* const poll = std::get_if<Poll>(&request)) {
        const std::uint32_t events = events_of(entry);
        entry.told = poll->multishot ? events : 0;
        deliver(entry, {.result = static_cast<std::int32_t>(events), .more = poll->multishot});
    } else {
        deliver(entry, {.result = result_of_file(request)});
    }
    return true;
}

bool SimulatedBackend::complete_receive(Entry& entry) noexcept {
    std::size_t octets = std::min(network_.unread(entry.fd), buffers_.buffer_octets());
    if (octets == 0) {
        deliver(entry, {.result = network_.receive(entry.fd, {})});
        return true;
    }
    if (faults_.happens(FaultKind::no_buffer, options_.no_buffer_percent)) {
        due_.put(now_ + parked_for, entry.id);
        return false;
    }
    octets = faults_.draw(FaultKind::short_receive, options_.short_receive_percent, 1, octets)
                 .value_or(octets);
    Received received = buffers_.take(octets);
    const std::int32_t result = network_.receive(entry.fd, received.octets());
    ensure(std::cmp_equal(result, octets));
    deliver(entry, {.result = result, .more = !ends_multishot(), .received = std::move(received)});
    return true;
}

void SimulatedBackend::complete_accept(Entry& entry) noexcept {
    if (faults_.happens(FaultKind::accept_aborted, options_.accept_aborted_percent)) {
        network_.abort_next(entry.fd);
        deliver(entry, {.result = -ECONNABORTED});
        return;
    }
    const std::optional<std::uint64_t> error = faults_.draw(
        FaultKind::accept_error, options_.accept_error_percent, 0, accept_errors.size() - 1);
    if (error) {
        deliver(entry, {.result = -accept_errors[*error]});
        return;
    }
    const Result<int> fd = new_descriptor(Phase::accept);
    if (!fd) {
        deliver(entry, {.result = -EMFILE});
        return;
    }
    network_.accept(entry.fd, *fd);
    deliver(entry, {.result = *fd, .more = !ends_multishot()});
}

bool SimulatedBackend::ends_multishot() {
    return faults_.happens(FaultKind::multishot_end, options_.multishot_end_percent);
}

// A failure after progress is not told, as MSG_WAITALL has it; and it is told to nobody else. What
// ended the connection is told before a want of memory is.
std::int32_t SimulatedBackend::result_of_send(Entry& entry) noexcept {
    const bool is_nothing = entry.to_send == 0;
    std::int32_t else_result = is_nothing ? 0 : entry.fails ? -ENOBUFS : -ECANCELED;
    if ((is_nothing || entry.sent < entry.to_send) && network_.refuses_to_send(entry.fd)) {
        constexpr std::byte any{};
        else_result = network_.send(entry.fd, std::span(&any, 1));
    }
    return entry.sent > 0 ? static_cast<std::int32_t>(entry.sent) : else_result;
}

std::int32_t SimulatedBackend::result_of_file(const Request& request) noexcept {
    if (const auto* const open = std::get_if<Open>(&request)) {
        const Result<int> fd = new_descriptor(Phase::open);
        const std::int32_t result = fd ? disks_.open(*fd, *open) : -EMFILE;
        descriptors_open_ -= fd && result < 0 ? 1U : 0U;
        return result < 0 ? result : *fd;
    }
    return disks_.perform(request, unix_seconds());
}

void SimulatedBackend::park_if_starved(Entry& entry) noexcept {
    const bool is_starved = buffers_.empty() && network_.unread(entry.fd) > 0;
    if (is_starved && !std::exchange(entry.is_parked, true)) {
        entry.operation->state = Operation::State::parked;
        parked_.push_back(entry.id);
    }
}

void SimulatedBackend::deliver(Entry& entry, Completion completion) noexcept {
    Operation& operation = *entry.operation;
    trace(entry,
          "complete " + std::to_string(completion.result) + (completion.more ? " and more" : ""));
    if (completion.more) {
        if (!entry.cancelled) {
            operation.state = Operation::State::in_flight;
        }
        refresh(entry);
    } else {
        operation.state = Operation::State::idle;
        if (const auto found = of_descriptor_.find(entry.fd); found != of_descriptor_.end()) {
            std::erase(found->second, entry.id);
        }
        ids_.erase(&operation);
        entries_.erase(entry.id);
    }
    operation.complete(std::move(completion));
}

void SimulatedBackend::set_now(Instant now) noexcept {
    now_ = now;
    faults_.set_now(now);
}

void SimulatedBackend::take_due() noexcept {
    while (!due_.empty() && due_.next_at() <= now_) {
        if (const auto found = entries_.find(due_.take()); found != entries_.end()) {
            found->second.is_due = true;
            refresh(found->second);
        }
    }
}

}  // namespace sluice::simulation
