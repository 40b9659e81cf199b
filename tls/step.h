// Step: what became of what an Engine was asked to do.

#pragma once

#include <cstdint>

namespace sluice::tls {

enum class Step : std::uint8_t {
    done,
    wants_input,  // Everything that was fed is used up, and more is needed.
    ended,        // The peer's close_notify: it will say no more.
    failed,
};

}  // namespace sluice::tls
