// call(): asks an actor, and waits for its reply or for the news that there will be none.
//
// An actor is a task that reads messages from the Receiver of a channel, and its address is the
// other end, as Sender or AnySink. To send is to write(): done when the message is in the mailbox.
// To call is to send a message with a Sender for the reply in it:
//
//     struct Add { int amount; Sender<int> total; };
//     const auto add_five = [](Sender<int> reply) { return Add{5, std::move(reply)}; };
//     const Result<int> total = co_await call<int>(counter, add_five);
//
// Completion:   Yields the reply. It never hangs on an actor that has gone: whoever drops the
//               message, the actor or the mailbox that it waits in, drops the reply's sender.
// Cancellation: A stop ends the wait with `cancelled`. A message that is in the mailbox stays.
// Errors:       With Phase::write the message was never in the mailbox, and with Phase::read it
//               was, and nobody will answer it: `aborted`, or `abandoned`, as in channel.h.
// Threading:    The actor may live on another thread.

#pragma once

#include "sluice/runtime/channel.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/sink.h"
#include "sluice/runtime/task.h"

#include <concepts>
#include <optional>
#include <type_traits>
#include <utility>

namespace sluice {

// Makes a message for a mailbox out of where the reply should go.
template <typename F, typename Mailbox, typename Reply>
concept MessageMaker =
    std::invocable<F&, Sender<Reply>> && Sink<Mailbox, std::invoke_result_t<F&, Sender<Reply>>>;

template <typename Reply, typename Mailbox, MessageMaker<Mailbox, Reply> Make>
[[nodiscard]] Task<Result<Reply>> call(Mailbox& mailbox, Make make) {
    Channel<Reply> reply = oneshot_channel<Reply>();
    std::invoke_result_t<Make&, Sender<Reply>> message = make(std::move(reply.sender));
    const auto sent = co_await mailbox.write(std::move(message));
    if (!sent) {
        co_return std::unexpected(error_of(sent));
    }
    Result<std::optional<Reply>> answer = co_await reply.receiver.read();
    if (!answer) {
        co_return failed(answer);
    }
    if (!*answer) {  // Its sender was finished without a reply.
        co_return failure(Errc::aborted, Phase::read);
    }
    co_return std::move(**answer);
}

}  // namespace sluice
