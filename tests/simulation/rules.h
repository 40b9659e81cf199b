// Rules: what must hold in every world, each with a name and a sentence.
//
// Each is a function of the evidence alone. A rule does not say what a world should have achieved,
// only that what was told of it is true.

#pragma once

#include "sluice/tests/simulation/case_file.h"
#include "sluice/tests/simulation/evidence.h"
#include "sluice/tests/simulation/script.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::campaign {

struct Rule {
    std::string_view name;
    std::string_view statement;
    void (*check)(const CaseFile& file, std::vector<std::string>& found);
};

struct Violation {
    std::string_view rule;
    std::string what;
};

[[nodiscard]] std::span<const Rule> rules() noexcept;

// What breaks which rule, in the order of the table.
[[nodiscard]] std::vector<Violation> judge(const Script& script, const Evidence& evidence);

}  // namespace sluice::campaign
