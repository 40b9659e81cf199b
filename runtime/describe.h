// describe(): a request in words, for traces and dumps.

#pragma once

#include "sluice/runtime/operation.h"

#include <string>

namespace sluice {

[[nodiscard]] std::string describe(const Request& request);

// The descriptor that a request is about; -1 for those about paths.
[[nodiscard]] int descriptor_of(const Request& request) noexcept;

}  // namespace sluice
