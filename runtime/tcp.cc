#include "sluice/runtime/tcp.h"

#include "sluice/runtime/closer.h"
#include "sluice/runtime/combine.h"
#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <cerrno>
#include <concepts>
#include <cstdio>
#include <string>
#include <utility>

namespace sluice {

namespace {

// Yields what was destroyed unclosed in one piece, to be closed and then destroyed.
template <typename T>
Task<> close_and_destroy(T* unclosed) {
    if constexpr (std::derived_from<T, Transport>) {
        co_await unclosed->close(Ending::reset);
    } else {
        co_await unclosed->close();
    }
    delete unclosed;
}

// Of the parts of a send, those of one operation.
struct Portion {
    std::size_t parts;
    std::size_t held_back = 0;  // Octets of the first.
};

// That the reader of a Unix socket goes on is seen by the ends of operations: so they are small.
// What the first part has beyond that is taken off it.
Portion small_portion(std::span<iovec> parts) noexcept {
    constexpr std::size_t octets_max = std::size_t{64} * 1024;
    Portion portion{1};
    std::size_t octets = parts.front().iov_len;
    if (octets > octets_max) {
        portion.held_back = octets - octets_max;
        parts.front().iov_len = octets_max;
    }
    while (portion.parts < std::min(parts.size(), send_parts_max)) {
        octets += parts[portion.parts].iov_len;
        if (octets > octets_max) {
            break;
        }
        ++portion.parts;
    }
    return portion;
}

}  // namespace

TcpTransport::~TcpTransport() {
    ensure(fd_ < 0, "a TcpTransport was destroyed before its close() had ended");
}

// Before anything of it is gone: what the kernel still writes to can only stay where it is.
void TcpTransport::operator delete(TcpTransport* transport, std::destroying_delete_t) noexcept {
    if (transport->fd_ < 0 || transport->closing_) {
        transport->~TcpTransport();
        ::operator delete(transport);
        return;
    }
    ensure(!transport->sending_, "a TcpTransport was destroyed while it sends");
    ensure(!transport->input_changed().is_awaited(),
           "a TcpTransport was destroyed while it is read");
    if (transport->made_for_.is_news()) {
        std::fprintf(stderr,
                     "sluice: a connection with %s was destroyed unclosed, and is reset. "
                     "Made by %s. Not said again of this place.\n",
                     transport->peer_.text().c_str(), transport->made_for_.description().c_str());
    }
    transport->listener_ = nullptr;
    close_behind(transport->loop_, close_and_destroy(transport));
}

std::optional<Result<Received>> TcpTransport::try_receive() noexcept {
    if (has_input()) {
        return take();
    }
    if (input_ended_) {
        if (peer_end_ == PeerEnd::fin) {
            return Received();
        }
        return std::unexpected(input_error_);
    }
    ensure(!closing_);
    arm();
    return std::nullopt;
}

void TcpTransport::arm() noexcept {
    if (receiving_.state == Operation::State::idle && !input_ended_) {
        loop_.submit(receiving_);
    }
}

Received TcpTransport::take() noexcept {
    Received next = std::move(inbox_[inbox_next_]);
    ++inbox_next_;
    if (inbox_next_ == inbox_.size()) {
        inbox_.clear();
        inbox_next_ = 0;
        arm();
    }
    return next;
}

void TcpTransport::received(Completion completion) noexcept {
    const bool ended = !completion.more;
    if (completion.result > 0) {
        inbox_.push_back(std::move(completion.received));
        const bool behind = inbox_.size() - inbox_next_ >= inbox_max;
        if (!ended && behind) {
            loop_.cancel(receiving_);
        }
        if (ended && behind && !closing_) {
            watch();
        } else if (ended && !behind && !closing_) {
            arm();
        }
    } else if (completion.result == 0) {
        const bool is_over =
            send_was_reset_ || is_gone(peer_end_) || (!fin_sent_ && loop_.backend().is_closed(fd_));
        if (is_over) {
            const Error error = error_from_errno(why_gone(ECONNRESET), Phase::receive);
            end(gone_end(), error);
        } else {
            end(PeerEnd::fin, Error{});
        }
        if (!is_over && !closing_ && !fin_sent_ && listener_ != nullptr) {
            watch();
        }
    } else if (completion.result != -ECANCELED) {
        const Error error = error_from_errno(why_gone(-completion.result), Phase::receive);
        end(gone_end(), error);
    } else if (!closing_ && !has_input()) {
        arm();  // The reader has caught up while the cancel was under way.
    } else if (!closing_) {
        watch();
    }
    input_changed().set();
}

// While nothing is received, a poll notices that the peer is gone.
void TcpTransport::watch() noexcept {
    if (watching_ == nullptr) {
        watching_ = std::make_unique<Watching>(*this);
    }
    if (!is_watching()) {
        loop_.submit(*watching_);
    }
}

void TcpTransport::watched(std::int32_t result, bool more) noexcept {
    // The peer of a Unix socket hangs up when it closes, whether it has read all or not.
    const bool has_hung_up = result > 0 && (result & POLLHUP) != 0;
    const bool is_over = (result > 0 && (result & POLLERR) != 0) || (has_hung_up && !is_local());
    if (is_over && !is_gone(peer_end_) && !fin_sent_) {
        // The octets before it can still be read; the receive will then say the same.
        input_error_ = error_from_errno(ask_why_gone(), Phase::receive);
        peer_end_ = gone_end();
        if (listener_ != nullptr) {
            listener_->peer_ended(peer_end_);
        }
    } else if (!more && result > 0 && !is_over && !has_hung_up && !closing_) {
        watch();  // A FIN: a reset may follow it.
    }
    input_changed().set();
}

void TcpTransport::end(PeerEnd end, Error error) noexcept {
    input_ended_ = true;
    input_error_ = error;
    const bool known = std::exchange(peer_end_, end) == end;
    if (!known && listener_ != nullptr) {
        listener_->peer_ended(end);
    }
}

// The kernel tells once why a connection is gone, to whichever call comes first. Those after it
// hear that it is reset, or at its end; so do all, where that call was a send which had moved some
// octets and says only that.
int TcpTransport::why_gone(int os_errno) noexcept {
    const Errc code = error_from_errno(os_errno, Phase::receive).code;
    if (lost_errno_ == 0 && (code == Errc::timed_out || code == Errc::unreachable)) {
        lost_errno_ = static_cast<std::int16_t>(os_errno);
    }
    return lost_errno_ != 0 ? lost_errno_ : os_errno;
}

int TcpTransport::ask_why_gone() noexcept {
    const int told = is_local() ? 0 : loop_.backend().take_error(fd_);
    return why_gone(told != 0 ? told : ECONNRESET);
}

Task<Result<std::uint64_t>> TcpTransport::send(std::span<iovec> parts) {
    return send_as(sealing_ != nullptr ? &sealing_->application_records() : nullptr, parts);
}

Task<Result<std::uint64_t>> TcpTransport::send_as(const RecordType* type, std::span<iovec> parts) {
    ensure(!std::exchange(sending_, true));
    std::uint64_t accepted = 0;
    while (!parts.empty()) {
        if (parts.front().iov_len == 0) {
            parts = parts.subspan(1);
            continue;
        }
        const Portion portion =
            is_local() ? small_portion(parts) : Portion{std::min(parts.size(), send_parts_max)};
        Perform sending(Send{fd_, parts.first(portion.parts), type});
        const std::int32_t result = co_await sending;
        parts.front().iov_len += portion.held_back;
        if (result < 0) {
            sending_ = false;
            send_was_reset_ |= result == -ECONNRESET || result == -EPIPE;
            const int os_errno = result == -ECANCELED ? ECANCELED : why_gone(-result);
            co_return std::unexpected(error_from_errno(os_errno, Phase::send, accepted));
        }
        accepted += static_cast<std::uint64_t>(result);
        sent_ += static_cast<std::uint64_t>(result);
        if (sealing_ != nullptr) {
            sealing_->has_accepted(static_cast<std::uint64_t>(result));
        }
        for (auto left = static_cast<std::size_t>(result); left > 0;) {
            iovec& part = parts.front();
            const std::size_t taken = std::min(left, part.iov_len);
            part.iov_base = static_cast<std::byte*>(part.iov_base) + taken;
            part.iov_len -= taken;
            left -= taken;
            if (part.iov_len == 0) {
                parts = parts.subspan(1);
            }
        }
    }
    sending_ = false;
    co_return accepted;
}

Task<Result<void>> TcpTransport::shut_down_sending() {
    fin_sent_ = true;
    loop_.backend().shut_down_sending(fd_);
    co_return Result<void>();
}

// No event tells of an acknowledgement, so it is asked for: soon at first, then less and less
// often.
Task<Result<void>> TcpTransport::acknowledged() {
    constexpr Duration pause_max = std::chrono::milliseconds(50);
    Duration pause = std::chrono::milliseconds(1);
    for (;;) {
        const SocketState state = this->state();
        const bool is_over = state.closed && (!fin_sent_ || state.unacknowledged > 0);
        if (is_gone(peer_end_) || is_over) {
            co_return std::unexpected(error_from_errno(ask_why_gone(), Phase::send));
        }
        if (state.unacknowledged == 0) {
            co_return Result<void>();
        }
        const bool passed = co_await sleep_for(pause);
        if (!passed) {
            co_return failure(Errc::cancelled, Phase::send);
        }
        pause = std::min(2 * pause, pause_max);
    }
}

Task<> TcpTransport::close(Ending ending) {
    if (fd_ < 0) {
        co_return;
    }
    ensure(!sending_);
    closing_ = true;
    loop_.cancel(receiving_);
    if (watching_ != nullptr) {
        loop_.cancel(*watching_);
    }
    while (in_flight()) {
        input_changed().reset();
        co_await input_changed().wait_regardless();
    }
    inbox_.clear();
    inbox_next_ = 0;
    loop_.backend().close(std::exchange(fd_, -1), ending);
}

// A Unix socket has no count of what arrived, but how much was sent and is not taken yet changes
// with each octet that is. A peer that went without reading all leaves an error, once: a receive
// may have taken it, and not have said so yet.
SocketState TcpTransport::state() noexcept {
    SocketState state = loop_.backend().socket_state(fd_);
    if (is_local()) {
        const bool end_is_untold = state.finished_by_peer && peer_end_ == PeerEnd::none &&
                                   receiving_.state != Operation::State::idle;
        if (is_gone(peer_end_) || end_is_untold) {
            state.unacknowledged = unacknowledged_unknown;
        }
        state.acknowledged = sent_ - std::min(sent_, state.unacknowledged);
    }
    if (sealing_ != nullptr) {
        state.unacknowledged += sealing_->held_back(state);
    }
    return state;
}

Result<std::unique_ptr<TcpAcceptor>> TcpAcceptor::listen(Loop& loop, const Endpoint& at,
                                                         const TcpAcceptorOptions& options,
                                                         std::source_location made_at) {
    const Result<int> fd = loop.backend().listen(at, options.listen);
    if (!fd) {
        return failed(fd);
    }
    return std::unique_ptr<TcpAcceptor>(new TcpAcceptor(loop, *fd, options, made_at));
}

TcpAcceptor::~TcpAcceptor() {
    ensure(fd_ < 0, "a TcpAcceptor was destroyed before its close() had ended");
}

void TcpAcceptor::operator delete(TcpAcceptor* acceptor, std::destroying_delete_t) noexcept {
    if (acceptor->fd_ < 0 || acceptor->closing_) {
        acceptor->~TcpAcceptor();
        ::operator delete(acceptor);
        return;
    }
    ensure(!acceptor->changed_.is_awaited(), "a TcpAcceptor was destroyed while it accepts");
    std::fprintf(stderr, "sluice: an acceptor at %s was destroyed unclosed. Made at %s:%u, in %s\n",
                 acceptor->local_.text().c_str(), acceptor->made_at_.file_name(),
                 static_cast<unsigned>(acceptor->made_at_.line()),
                 acceptor->made_at_.function_name());
    close_behind(acceptor->loop_, close_and_destroy(acceptor));
}

Task<Result<std::unique_ptr<Transport>>> TcpAcceptor::accept() {
    for (;;) {
        if (backlog_next_ < backlog_.size()) {
            const int fd = backlog_[backlog_next_];
            ++backlog_next_;
            if (backlog_next_ == backlog_.size()) {
                backlog_.clear();
                backlog_next_ = 0;
            }
            const CallSite here = co_await this_call_site();
            co_return std::make_unique<TcpTransport>(loop_, fd, here);
        }
        if (closing_) {
            co_return failure(Errc::closed, Phase::accept);
        }
        if (error_) {
            co_return std::unexpected(*error_);
        }
        if (std::exchange(exhausted_, false)) {
            ++pauses_;
            const bool passed = co_await sleep_for(options_.exhausted_pause);
            if (!passed) {
                co_return failure(Errc::cancelled, Phase::accept);
            }
            continue;
        }
        const Context here = co_await this_task();
        if (here.stop != nullptr && here.stop->requested()) {
            co_await end_accepting();
            if (!backlog_.empty()) {
                continue;
            }
            co_return failure(Errc::cancelled, Phase::accept);
        }
        if (accepting_.state == Operation::State::idle) {
            loop_.submit(accepting_);
        }
        changed_.reset();
        co_await changed_.wait();
    }
}

// What the kernel takes in before it hears of that is in the backlog then.
Task<> TcpAcceptor::end_accepting() {
    loop_.cancel(accepting_);
    while (accepting_.state != Operation::State::idle) {
        changed_.reset();
        co_await changed_.wait_regardless();
    }
}

void TcpAcceptor::accepted(const Completion& completion) noexcept {
    if (completion.result >= 0) {
        backlog_.push_back(completion.result);
        if (completion.more && backlog_.size() - backlog_next_ >= backlog_max) {
            loop_.cancel(accepting_);
        }
    } else {
        const Error error = error_from_errno(-completion.result, Phase::accept);
        if (error.code == Errc::resources_exhausted) {
            exhausted_ = true;
        } else if (error.code != Errc::cancelled && error.code != Errc::reset) {
            error_ = error;  // A connection that was reset while it queued is nobody's error.
        }
    }
    changed_.set();
}

Task<> TcpAcceptor::close() {
    if (fd_ < 0) {
        co_return;
    }
    closing_ = true;
    co_await end_accepting();
    for (; backlog_next_ < backlog_.size(); ++backlog_next_) {
        loop_.backend().close(backlog_[backlog_next_], Ending::reset);
    }
    backlog_.clear();
    backlog_next_ = 0;
    loop_.backend().close(std::exchange(fd_, -1));
}

}  // namespace sluice
