#include "sluice/http/outcome_json.h"

#include "sluice/tests/catch.h"
#include "sluice/tests/http/sample_outcomes.h"

#include <array>
#include <chrono>
#include <string>
#include <string_view>

namespace sluice::http {
namespace {

using namespace std::chrono_literals;

Outcome upload() {
    Outcome outcome = tests::reused(tests::sample_of(Verdict::complete));
    outcome.status = Status::created;
    outcome.connection.reusable = true;
    outcome.send.framing_octets = 12;
    outcome.send.declared.reset();
    outcome.receive.framing_octets = 5;
    outcome.times.queued = 1s;
    outcome.times.first_byte_out = 1s + 20us;
    outcome.times.last_byte_out = 1s + 900us + 999ns;
    outcome.times.first_byte_in = 1s + 1ms;
    outcome.times.last_byte_in = 1s + 2ms;
    outcome.times.ended = 2s;
    return outcome;
}

TEST_CASE("outcome as JSON: a client's has every key of the contract, in its order",
          "[http][outcome][json]") {
    CHECK(to_json(upload()) ==
          R"({"side":"client","verdict":"complete","id":"C13","status":201,"retry":"no",)"
          R"("cause":{"party":"none","mechanism":"none","phase":"none"},)"
          R"("send":{"phase":"all_accepted","head":100,"body_offered":1000,)"
          R"("body_accepted":1000,"wire_accepted":1112,"acknowledged":null},)"
          R"("receive":{"phase":"complete","framing":"length","head":80,"body":50,"declared":50},)"
          R"("connection":{"reused":true,"exchange":2,"idle_ms":250,"reusable":true},)"
          R"("delivery":{"level":"kernel"},)"
          R"("times_us":{"queued":0,"resolved":null,"connected":null,"secured":null,)"
          R"("first_byte_out":20,"last_byte_out":900,"first_byte_in":1000,"last_byte_in":2000,)"
          R"("ended":1000000},)"
          R"("attempts":[{"verdict":"complete","id":"C13","status":201,"retry":"no",)"
          R"("cause":{"party":"none","mechanism":"none","phase":"none"},)"
          R"("reused":true,"wire_accepted":1112,"received":135,"took_us":1000000}]})");
}

TEST_CASE("outcome as JSON: a server's has the same keys", "[http][outcome][json]") {
    Outcome outcome = tests::sample_of(Verdict::request_truncated);
    outcome.times.queued = 0ns;
    CHECK(to_json(outcome) ==
          R"({"side":"server","verdict":"request_truncated","id":"S4","status":null,"retry":"no",)"
          R"("cause":{"party":"peer","mechanism":"fin","phase":"body"},)"
          R"("send":{"phase":"assigned","head":0,"body_offered":0,)"
          R"("body_accepted":0,"wire_accepted":0,"acknowledged":null},)"
          R"("receive":{"phase":"body_partial","framing":"length","head":80,"body":400,)"
          R"("declared":1000},)"
          R"("connection":{"reused":false,"exchange":1,"idle_ms":0,"reusable":false},)"
          R"("delivery":{"level":"none"},)"
          R"("times_us":{"queued":0,"resolved":null,"connected":null,"secured":null,)"
          R"("first_byte_out":null,"last_byte_out":null,"first_byte_in":null,)"
          R"("last_byte_in":null,"ended":null},)"
          R"("attempts":[]})");
}

TEST_CASE("outcome as JSON: each attempt is listed, and the last is the outcome",
          "[http][outcome][json]") {
    const std::array attempts{tests::sample_of(Verdict::stale_connection), upload()};
    const std::string json = to_json(attempts.back(), attempts);
    const std::string_view list = std::string_view(json).substr(json.find("\"attempts\""));

    CHECK(list.starts_with(R"("attempts":[{"verdict":"stale_connection","id":"C3","status":null,)"
                           R"("retry":"never_on_wire","cause":{"party":"peer","mechanism":"fin",)"
                           R"("phase":"idle"},"reused":true,"wire_accepted":0,"received":0,)"
                           R"("took_us":null},{"verdict":"complete","id":"C13",)"));
}

TEST_CASE("outcome as JSON: of TLS it tells the version, what it added, and which failure it was",
          "[http][outcome][json]") {
    Outcome outcome = upload();
    outcome.connection.tls = TlsVersion::tls_1_3;
    outcome.connection.resumed = true;
    outcome.send.tls_added = 555;
    outcome.receive.tls_added = 1234;
    CHECK(to_json(outcome).find(R"("reusable":true,"tls":{"version":"TLSv1.3","resumed":true,)"
                                R"("added_sent":555,"added_received":1234}})") !=
          std::string::npos);

    Cause cause{Party::peer, Mechanism::tls, ExchangePhase::tls};
    cause.tls = TlsEvent::untrusted;
    cause.tls_detail = static_cast<std::uint8_t>(Flaw::expired);
    outcome.cause = cause;
    const std::string_view before = R"("cause":{"party":"peer","mechanism":"tls","phase":"tls",)";
    CHECK(to_json(outcome).find(std::string(before) +
                                R"("tls":{"event":"untrusted","flaw":"expired"}})") !=
          std::string::npos);
    outcome.cause.tls = TlsEvent::alert_received;
    outcome.cause.tls_detail = static_cast<std::uint8_t>(Alert::unknown_ca);
    CHECK(to_json(outcome).find(std::string(before) +
                                R"("tls":{"event":"alert_received","alert":"unknown_ca"}})") !=
          std::string::npos);
    outcome.cause.tls = TlsEvent::cut_short;
    CHECK(to_json(outcome).find(std::string(before) + R"("tls":{"event":"cut_short"}})") !=
          std::string::npos);
}

TEST_CASE("outcome as JSON: what was sampled and declared is told", "[http][outcome][json]") {
    const std::string json = to_json(tests::sample_of(Verdict::acknowledged));
    CHECK_THAT(json, Catch::Contains(R"("wire_accepted":150,"acknowledged":150})"));
    CHECK_THAT(json, Catch::Contains(R"("delivery":{"level":"acknowledged"})"));
}

TEST_CASE("outcome as JSON: more can be said of the exchange in the same object",
          "[http][outcome][json]") {
    JsonWriter json;
    write_open_json(json, tests::sample_of(Verdict::sent));
    json.key("body_sha256").string("00ff").end_object();
    CHECK_THAT(json.text(), Catch::EndsWith(R"("attempts":[],"body_sha256":"00ff"})"));
}

}  // namespace
}  // namespace sluice::http
