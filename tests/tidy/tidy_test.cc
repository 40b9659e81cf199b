#include <catch2/catch.hpp>

TEST_CASE("tidy: the tree builds", "[tidy]") { CHECK(true); }
