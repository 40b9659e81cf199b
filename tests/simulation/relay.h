// Relay: a backend behind which another does the work, and which sees every operation pass.
//
// What an heir makes of a request or a completion on its way is what the other side gets: one that
// only looks is a witness, one that alters is a liar. Nothing of the library knows of it.
//
// Ownership:    Borrows the backend behind it, and stands for each operation in flight with one of
//               its own, to which the submitter's is tied by its list link.

#pragma once

#include "sluice/runtime/operation.h"
#include "sluice/tests/support/forwarding_backend.h"

#include <sys/uio.h>

#include <memory>
#include <vector>

namespace sluice::campaign {

class Relay : public tests::ForwardingBackend {
public:
    using ForwardingBackend::ForwardingBackend;

    void submit(Operation& operation) noexcept override;
    void cancel(Operation& operation) noexcept override;

protected:
    ~Relay();

    // One operation on its way.
    class Relayed final : public Operation {
    public:
        explicit Relayed(Relay& relay) noexcept : Operation(Accept{-1}), relay_(relay) {}
        void complete(Completion completion) noexcept override;

        Operation* original = nullptr;
        std::vector<iovec> parts;  // For an heir that sends otherwise than it was asked to.

    private:
        Relay& relay_;
    };

    // May alter what is asked for. False: keep it back, until release().
    virtual bool submitting(Relayed& operation) noexcept;
    // May alter what is answered. False: keep it back, until release().
    virtual bool completing(Relayed& operation, Completion& completion) noexcept;

    // Hands over a completion.
    void release(Relayed& operation, Completion completion) noexcept;

private:
    std::vector<std::unique_ptr<Relayed>> all_;
    std::vector<Relayed*> free_;
};

}  // namespace sluice::campaign
