// object_key: the names of objects, as a URL says them and as the directory keeps them.
//
// A key is any octets but NUL, with "/" between its segments, of which none is "." or "..". It is
// stored under one flat file name: what is not a letter, a digit or one of "-._~" becomes "%41",
// and so does a leading dot. So two keys never share a file, none leaves the directory, and none
// can be taken for a file that the store hides.

#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::examples {

// Of the file name, not of the key: most file systems take no more.
inline constexpr std::size_t file_name_octets_max = 255;

// Reads a key as it stands in a URL's path. What is no key is told in words for its sender.
[[nodiscard]] std::expected<std::string, std::string_view> key_of_path(std::string_view encoded);

[[nodiscard]] std::string file_name_of(std::string_view key);

// None for a file that is no object's.
[[nodiscard]] std::optional<std::string> key_of_file_name(std::string_view name);

}  // namespace sluice::examples
