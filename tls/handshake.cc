#include "sluice/tls/handshake.h"

#include "sluice/runtime/workers.h"
#include "sluice/tls/send_output.h"

#include <optional>
#include <string>
#include <utility>

namespace sluice::tls {

namespace {

Error while_securing(Error error) noexcept {
    error.phase = Phase::secure;
    error.octets_done = 0;
    return error;
}

Task<Step> step_on_worker(Engine& engine) {
    std::string output;
    const auto stepping = [&] { return engine.handshake_elsewhere(output); };
    const Step step = co_await offload(stepping);
    engine.take_back(step, output);
    co_return step;
}

}  // namespace

Task<Result<Shaken>> shake_hands(Engine& engine, Transport& beneath, StepsOn where) {
    std::optional<Error> unsent;
    while (true) {
        Step step = Step::failed;
        if (where == StepsOn::workers) {
            step = co_await step_on_worker(engine);
        } else {
            step = engine.handshake();
        }
        const bool may_wait = step == Step::done && engine.output_may_wait();
        if (!engine.output().empty() && !may_wait && !unsent) {
            const Result<void> sent = co_await send_output(engine, beneath);
            if (!sent) {
                unsent = sent.error();
            }
        }
        if (step == Step::failed || step == Step::ended) {
            co_return std::unexpected(engine.has_failed()
                                          ? engine.error(Phase::secure)
                                          : Error{Errc::end_of_stream, Phase::secure});
        }
        if (unsent && unsent->code == Errc::cancelled) {
            co_return std::unexpected(while_securing(*unsent));
        }
        if (step == Step::done) {
            co_return Shaken{unsent};
        }
        // Also after a failed send: why the peer is gone may have arrived.
        Result<Received> input = co_await beneath.receive();
        if (!input || input->empty()) {
            const Error error = input ? Error{Errc::cut_short, Phase::secure} : input.error();
            co_return std::unexpected(while_securing(unsent.value_or(error)));
        }
        engine.feed(std::move(*input));
    }
}

}  // namespace sluice::tls
