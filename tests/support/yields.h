// yields(): whether a read() of items brought one, and which.

#pragma once

#include "sluice/runtime/error.h"

#include <optional>

namespace sluice::tests {

template <typename Item, typename Expected>
bool yields(const Result<std::optional<Item>>& read, const Expected& expected) {
    return read.has_value() && read->has_value() && **read == expected;
}

template <typename Item>
bool is_end(const Result<std::optional<Item>>& read) {
    return read.has_value() && !read->has_value();
}

}  // namespace sluice::tests
