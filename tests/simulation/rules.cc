#include "sluice/tests/simulation/rules.h"

#include "sluice/tests/simulation/checks.h"

#include <array>

namespace sluice::campaign {

namespace {

constexpr std::array table = {
    Rule{"one-outcome", "every exchange ends in one outcome on each side, and none is told twice",
         check_one_outcome},
    Rule{"counters-in-order",
         "acknowledged <= accepted <= offered, and offered is what the application handed over",
         check_counters_in_order},
    Rule{"counters-grow", "no counter of a record is ever less than it was", check_counters_grow},
    Rule{"wire-balance",
         "what the records of a connection say was accepted is what its kernel took, and none "
         "received more than the other side sent",
         check_wire_balance},
    Rule{"complete-is-whole",
         "what is told as complete is octet for octet what the other application handed over and "
         "finished, with the status that it gave",
         check_complete},
    Rule{"early-is-early", "what is told as answered early lacks octets that its request declared",
         check_answered_early},
    Rule{"never-on-wire",
         "of a request told as never on the wire no octet reached the server, and no handler ran",
         check_never_on_wire},
    Rule{"truncated-exactly",
         "a cut message is told with exactly the octets that came, and they are the first of it",
         check_truncated},
    Rule{"acknowledged-is-so",
         "octets told as acknowledged had been, by the peer's kernel, at that moment",
         check_acknowledged},
    Rule{"confirmed-is-read",
         "a confirmed response was read to its last octet, unless its reader only half-closed",
         check_confirmed},
    Rule{"cause-is-proven", "who is blamed did what is blamed, and no later than it is told",
         check_cause_proven},
    Rule{"cause-is-first", "the cause is what happened first", check_cause_first},
    Rule{"end-is-vouched-for",
         "over TLS an end is told as orderly only where the peer's close_notify came, untouched",
         check_ends_vouched_for},
    Rule{"executed-once", "no request that is not idempotent is executed twice",
         check_executed_once},
    Rule{"handler-ends", "every handler reaches its end, and before its outcome is told",
         check_handlers},
    Rule{"deadline-holds", "no exchange is open after its deadline", check_deadlines},
    Rule{"answers-in-order", "every answer is to the request that it is taken for",
         check_answers_in_order},
    Rule{"confirmed-is-durable", "an object that was confirmed is there after a crash",
         check_durable},
    Rule{"objects-are-whole", "an object is whole or absent, whatever ended its upload",
         check_objects_whole},
    Rule{"proxy-is-honest",
         "what a proxy's client takes for complete was complete when the proxy got it",
         check_proxy},
    Rule{"no-deadlock", "no wait is for what can never come", check_deadlock},
    Rule{"no-leak", "no operation, descriptor or buffer is left", check_leaks},
};

}  // namespace

std::span<const Rule> rules() noexcept {
    return table;
}

std::vector<Violation> judge(const Script& script, const Evidence& evidence) {
    const CaseFile file(script, evidence);
    std::vector<Violation> violations;
    for (const Rule& rule : table) {
        std::vector<std::string> found;
        rule.check(file, found);
        for (std::string& what : found) {
            violations.push_back({rule.name, std::move(what)});
        }
    }
    return violations;
}

}  // namespace sluice::campaign
