#define OPENSSL_SUPPRESS_DEPRECATED  // RAND_METHOD: what replaced it needs a provider of one's own.

#include "sluice/tests/tls/openssl_habits.h"

#include "sluice/runtime/ensure.h"

#include <openssl/rand.h>
#include <openssl/ssl.h>

#include <span>
#include <utility>

namespace sluice::tests {

namespace {

using simulation::Random;

Random& chance() noexcept {
    static Random random(0);
    return random;
}

int draw(unsigned char* into, int size) noexcept {
    for (unsigned char& octet : std::span(into, static_cast<std::size_t>(size))) {
        octet = static_cast<unsigned char>(chance().below(256));
    }
    return 1;
}

int always_ready() noexcept {
    return 1;
}

int seeded_chances = 0;

}  // namespace

SeededChance::SeededChance(std::uint64_t seed) : before_(std::exchange(chance(), Random(seed))) {
    static const RAND_METHOD method{.seed = nullptr,
                                    .bytes = draw,
                                    .cleanup = nullptr,
                                    .add = nullptr,
                                    .pseudorand = draw,
                                    .status = always_ready};
    if (seeded_chances++ == 0) {
        ensure(RAND_set_rand_method(&method) == 1);
    }
}

SeededChance::~SeededChance() {
    chance() = before_;
    if (--seeded_chances == 0) {
        ensure(RAND_set_rand_method(nullptr) == 1);
    }
}

void leave_out_goodbyes(const tls::ServerContext& context) {
    SSL_CTX_set_quiet_shutdown(context.native().get(), 1);
}

void speak_tls_1_2(const tls::ClientContext& context) {
    ensure(SSL_CTX_set_max_proto_version(context.native(), TLS1_2_VERSION) == 1);
}

}  // namespace sluice::tests
