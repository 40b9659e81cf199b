// under_address_sanitizer: whether this build looks for uses after an end.
//
// Memory that is kept to be used again hides them from the sanitizer: where it looks, nothing is
// kept.

#pragma once

namespace sluice {

#if defined(__SANITIZE_ADDRESS__)
inline constexpr bool under_address_sanitizer = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
inline constexpr bool under_address_sanitizer = true;
#else
inline constexpr bool under_address_sanitizer = false;
#endif
#else
inline constexpr bool under_address_sanitizer = false;
#endif

}  // namespace sluice
