#include "sluice/runtime/received.h"

#include "sluice/tests/catch.h"

#include <array>
#include <utility>
#include <vector>

namespace sluice::tests {
namespace {

class Counting final : public BufferPool {
public:
    void give_back(std::uint16_t buffer_id) noexcept override { back.push_back(buffer_id); }
    std::vector<int> back;
};

TEST_CASE("received: a buffer goes back once, from its last holder", "[runtime][received]") {
    Counting pool;
    std::array<std::byte, 8> memory{};
    {
        Received first(pool, 7, memory);
        Received second(std::move(first));
        Received third;
        third = std::move(second);
        CHECK(pool.back.empty());
        third.let_go();
        CHECK(pool.back == std::vector<int>{7});
        CHECK(third.empty());
        third.let_go();
    }
    CHECK(pool.back == std::vector<int>{7});
}

TEST_CASE("received: taking another buffer gives back the one that was held",
          "[runtime][received]") {
    Counting pool;
    std::array<std::byte, 8> memory{};
    Received held(pool, 1, memory);
    held = Received(pool, 2, memory);
    CHECK(pool.back == std::vector<int>{1});
    Received& itself = held;
    held = std::move(itself);
    CHECK(held.size() == 8);
    held = Received();
    CHECK(pool.back == std::vector<int>{1, 2});
}

TEST_CASE("received: what was dropped from the front is out of sight, and the buffer stays whole",
          "[runtime][received]") {
    Counting pool;
    std::array<std::byte, 3> memory{std::byte{1}, std::byte{2}, std::byte{3}};
    Received received(pool, 1, memory);
    received.drop_front(1);
    REQUIRE(received.size() == 2);
    CHECK(received.octets().front() == std::byte{2});
    received.drop_front(2);
    CHECK(received.empty());
    CHECK(pool.back.empty());
    received.let_go();
    CHECK(pool.back == std::vector<int>{1});
}

}  // namespace
}  // namespace sluice::tests
