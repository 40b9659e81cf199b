// Whether the oracle can see: every lie is caught, and every rule has a lie that it catches.

#include "sluice/tests/simulation/plants.h"

#include "sluice/tests/simulation/campaign.h"
#include "sluice/tests/simulation/rules.h"

#include <algorithm>

#include "sluice/tests/catch.h"

namespace sluice::campaign {
namespace {

TEST_CASE("plants: each is caught within 1,000 seeds, by the rule that it is for",
          "[simulation][campaign]") {
    for (const PlantRow& plant : plants()) {
        CAPTURE(plant.name, plant.rule);
        CHECK(caught_by(plant, 1000));
    }
}

TEST_CASE("plants: every rule has one, and each is for a rule", "[simulation][campaign]") {
    for (const Rule& rule : rules()) {
        CAPTURE(rule.name);
        CHECK(std::ranges::any_of(plants(),
                                  [&](const PlantRow& plant) { return plant.rule == rule.name; }));
    }
    for (const PlantRow& plant : plants()) {
        CAPTURE(plant.name);
        CHECK(std::ranges::any_of(rules(),
                                  [&](const Rule& rule) { return plant.rule == rule.name; }));
        CHECK(find_plant(plant.name) == &plant);
    }
}

}  // namespace
}  // namespace sluice::campaign
