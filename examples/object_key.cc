#include "sluice/examples/object_key.h"

#include "sluice/http/url.h"

namespace sluice::examples {

namespace {

bool has_dot_segment(std::string_view key) {
    while (true) {
        const std::size_t slash = key.find('/');
        const std::string_view segment = key.substr(0, slash);
        if (segment == "." || segment == "..") {
            return true;
        }
        if (slash == std::string_view::npos) {
            return false;
        }
        key.remove_prefix(slash + 1);
    }
}

}  // namespace

std::expected<std::string, std::string_view> key_of_path(std::string_view encoded) {
    std::optional<std::string> key = http::percent_decode(encoded);
    if (!key) {
        return std::unexpected("a '%' in the key is not followed by two hexadecimal digits");
    }
    if (key->empty()) {
        return std::unexpected("the key is empty");
    }
    if (key->contains('\0')) {
        return std::unexpected("the key contains NUL");
    }
    if (has_dot_segment(*key)) {
        return std::unexpected("'.' and '..' are no segments of a key");
    }
    if (file_name_of(*key).size() > file_name_octets_max) {
        return std::unexpected("the key is too long");
    }
    return *std::move(key);
}

std::string file_name_of(std::string_view key) {
    std::string name = http::percent_encode(key);
    if (name.starts_with('.')) {
        name.replace(0, 1, "%2E");
    }
    return name;
}

std::optional<std::string> key_of_file_name(std::string_view name) {
    std::optional<std::string> key = http::percent_decode(name);
    if (!key || file_name_of(*key) != name || !key_of_path(name)) {
        return std::nullopt;
    }
    return key;
}

}  // namespace sluice::examples
