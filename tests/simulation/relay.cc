#include "sluice/tests/simulation/relay.h"

#include "sluice/runtime/ensure.h"

#include <utility>

namespace sluice::campaign {

Relay::~Relay() {
    ensure(free_.size() == all_.size());
}

void Relay::submit(Operation& operation) noexcept {
    ensure(operation.state == Operation::State::idle);
    if (free_.empty()) {
        all_.push_back(std::make_unique<Relayed>(*this));
        free_.push_back(all_.back().get());
    }
    Relayed& relayed = *free_.back();
    free_.pop_back();
    relayed.original = &operation;
    relayed.request = operation.request;
    operation.state = Operation::State::in_flight;
    operation.next = &relayed;
    if (submitting(relayed)) {
        real().submit(relayed);
    }
}

void Relay::cancel(Operation& operation) noexcept {
    if (operation.state == Operation::State::idle) {
        return;
    }
    operation.state = Operation::State::cancelling;
    real().cancel(*operation.next);
}

bool Relay::submitting(Relayed&) noexcept {
    return true;
}

bool Relay::completing(Relayed&, Completion&) noexcept {
    return true;
}

void Relay::release(Relayed& operation, Completion completion) noexcept {
    Operation& original = *operation.original;
    if (!completion.more) {
        original.state = Operation::State::idle;
        original.next = nullptr;
        operation.original = nullptr;
        free_.push_back(&operation);
    }
    original.complete(std::move(completion));
}

void Relay::Relayed::complete(Completion completion) noexcept {
    if (relay_.completing(*this, completion)) {
        relay_.release(*this, std::move(completion));
    }
}

}  // namespace sluice::campaign
