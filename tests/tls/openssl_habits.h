// OpenSSL's habits, as a test wants them: chance that a seed yields again, ends without a goodbye,
// an older version.

#pragma once

#include "sluice/runtime/simulation/random.h"
#include "sluice/tls/context.h"

#include <cstdint>

namespace sluice::tests {

// While it lives, all that OpenSSL draws comes from this seed. They nest.
// Threading: one thread of a process.
class SeededChance {
public:
    explicit SeededChance(std::uint64_t seed);
    SeededChance(SeededChance&&) = delete;
    ~SeededChance();

private:
    simulation::Random before_;
};

// Its connections end with TCP's FIN alone.
void leave_out_goodbyes(const tls::ServerContext& context);

void speak_tls_1_2(const tls::ClientContext& context);

}  // namespace sluice::tests
