#include "sluice/tls/digest.h"

#include "sluice/tests/catch.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace sluice::tls {
namespace {

std::span<const std::byte> octets_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

std::string digest_of(std::string_view message) {
    Sha256 sha256;
    sha256.update(octets_of(message));
    const Sha256::Digest digest = sha256.finish();
    return hex(digest);
}

constexpr std::string_view two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
constexpr std::string_view two_blocks_digest =
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";

TEST_CASE("sha256: the digests are those that FIPS 180 publishes", "[tls][digest]") {
    struct Row {
        std::string message;
        std::string_view digest;
        const char* why;
    };
    const Row rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "nothing at all"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "one block"},
        {std::string(two_blocks), two_blocks_digest, "the padding needs a second block"},
        {std::string(1'000'000, 'a'),
         "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", "many blocks"},
    };
    for (const Row& row : rows) {
        INFO(row.why);
        CHECK(digest_of(row.message) == row.digest);
    }
}

TEST_CASE("sha256: it does not matter where the message was cut", "[tls][digest]") {
    for (std::size_t first = 0; first <= two_blocks.size(); ++first) {
        for (std::size_t second = first; second <= two_blocks.size(); ++second) {
            Sha256 sha256;
            sha256.update(octets_of(two_blocks.substr(0, first)));
            sha256.update(octets_of(two_blocks.substr(first, second - first)));
            sha256.update(octets_of(two_blocks.substr(second)));
            const Sha256::Digest digest = sha256.finish();
            INFO("cut at " << first << " and " << second);
            REQUIRE(hex(digest) == two_blocks_digest);
        }
    }
}

TEST_CASE("sha256: finish begins a new message", "[tls][digest]") {
    Sha256 sha256;
    sha256.update(octets_of("something else"));
    const Sha256::Digest ignored = sha256.finish();
    sha256.update(octets_of(two_blocks));
    const Sha256::Digest digest = sha256.finish();
    CHECK(ignored != digest);
    CHECK(hex(digest) == two_blocks_digest);
}

TEST_CASE("hex: every octet is two digits, the high half first", "[tls][digest]") {
    const std::byte octets[] = {std::byte{0x00}, std::byte{0x0F}, std::byte{0xF0}, std::byte{0xA9}};
    CHECK(hex(octets) == "000ff0a9");
    CHECK(hex({}) == "");
}

}  // namespace
}  // namespace sluice::tls
