// checks: the functions behind the table of rules, grouped by what they look at.

#pragma once

#include "sluice/tests/simulation/case_file.h"

#include <string>
#include <vector>

namespace sluice::campaign {

using Found = std::vector<std::string>;

// Of the records, beside what the kernels counted.
void check_one_outcome(const CaseFile& file, Found& found);
void check_counters_in_order(const CaseFile& file, Found& found);
void check_counters_grow(const CaseFile& file, Found& found);
void check_wire_balance(const CaseFile& file, Found& found);
void check_acknowledged(const CaseFile& file, Found& found);
void check_confirmed(const CaseFile& file, Found& found);

// Of the two applications, beside each other.
void check_complete(const CaseFile& file, Found& found);
void check_answered_early(const CaseFile& file, Found& found);
void check_never_on_wire(const CaseFile& file, Found& found);
void check_truncated(const CaseFile& file, Found& found);
void check_executed_once(const CaseFile& file, Found& found);
void check_answers_in_order(const CaseFile& file, Found& found);
void check_handlers(const CaseFile& file, Found& found);
void check_deadlines(const CaseFile& file, Found& found);

// Of who is blamed.
void check_cause_proven(const CaseFile& file, Found& found);
void check_ends_vouched_for(const CaseFile& file, Found& found);
void check_cause_first(const CaseFile& file, Found& found);

// Of the services.
void check_durable(const CaseFile& file, Found& found);
void check_objects_whole(const CaseFile& file, Found& found);
void check_proxy(const CaseFile& file, Found& found);

// Of the runtime.
void check_deadlock(const CaseFile& file, Found& found);
void check_leaks(const CaseFile& file, Found& found);

}  // namespace sluice::campaign
