#include "sluice/http/outcome_json.h"

#include "sluice/http/retry.h"
#include "sluice/http/verdict.h"

#include <chrono>
#include <string_view>

namespace sluice::http {

namespace {

using std::chrono::duration_cast;

void write_tls_event(JsonWriter& json, const Cause& cause) {
    json.key("tls").begin_object();
    json.key("event").string(name(cause.tls));
    const std::string_view detail = tls_detail_of(cause);
    if (!detail.empty()) {
        json.key(cause.tls == TlsEvent::untrusted ? "flaw" : "alert").string(detail);
    }
    json.end_object();
}

void write_verdict(JsonWriter& json, const Outcome& outcome) {
    const Verdict verdict = verdict_of(outcome);
    json.key("verdict").string(name(verdict)).key("id").string(id(verdict)).key("status");
    if (outcome.status == Status{}) {
        json.null();
    } else {
        json.number(code_of(outcome.status));
    }
    json.key("retry").string(name(retry_class_of(outcome)));
    json.key("cause").begin_object();
    json.key("party").string(name(outcome.cause.party));
    json.key("mechanism").string(name(outcome.cause.mechanism));
    json.key("phase").string(name(outcome.cause.phase));
    if (outcome.cause.tls != TlsEvent::none) {
        write_tls_event(json, outcome.cause);
    }
    json.end_object();
}

void write_send(JsonWriter& json, const SendFacts& send) {
    json.key("send").begin_object();
    json.key("phase").string(name(send.phase));
    json.key("head").number(send.head);
    json.key("body_offered").number(send.body_offered);
    json.key("body_accepted").number(send.body_accepted);
    json.key("wire_accepted").number(send.wire_accepted());
    json.key("acknowledged").number(send.acknowledged).end_object();
}

void write_receive(JsonWriter& json, const ReceiveFacts& receive) {
    json.key("receive").begin_object();
    json.key("phase").string(name(receive.phase));
    json.key("framing").string(name(receive.framing));
    json.key("head").number(receive.head);
    json.key("body").number(receive.body);
    json.key("declared").number(receive.declared).end_object();
}

void write_tls(JsonWriter& json, const Outcome& outcome) {
    json.key("tls").begin_object();
    json.key("version").string(name(*outcome.connection.tls));
    json.key("resumed").boolean(outcome.connection.resumed);
    json.key("added_sent").number(outcome.send.tls_added);
    json.key("added_received").number(outcome.receive.tls_added).end_object();
}

void write_connection(JsonWriter& json, const Outcome& outcome) {
    const ConnectionFacts& connection = outcome.connection;
    json.key("connection").begin_object();
    json.key("reused").boolean(connection.reused());
    json.key("exchange").number(connection.exchange);
    json.key("idle_ms");
    json.number(duration_cast<std::chrono::milliseconds>(connection.idle).count());
    json.key("reusable").boolean(connection.reusable);
    if (connection.tls) {
        write_tls(json, outcome);
    }
    json.end_object();
}

void write_time(JsonWriter& json, const char* key, Instant time, Instant queued) {
    json.key(key);
    if (time == never || queued == never) {
        json.null();
    } else {
        json.number(duration_cast<std::chrono::microseconds>(time - queued).count());
    }
}

void write_times(JsonWriter& json, const Times& times) {
    json.key("times_us").begin_object();
    write_time(json, "queued", times.queued, times.queued);
    write_time(json, "resolved", times.resolved, times.queued);
    write_time(json, "connected", times.connected, times.queued);
    write_time(json, "secured", times.secured, times.queued);
    write_time(json, "first_byte_out", times.first_byte_out, times.queued);
    write_time(json, "last_byte_out", times.last_byte_out, times.queued);
    write_time(json, "first_byte_in", times.first_byte_in, times.queued);
    write_time(json, "last_byte_in", times.last_byte_in, times.queued);
    write_time(json, "ended", times.ended, times.queued);
    json.end_object();
}

void write_attempt(JsonWriter& json, const Outcome& attempt) {
    json.begin_object();
    write_verdict(json, attempt);
    json.key("reused").boolean(attempt.connection.reused());
    json.key("wire_accepted").number(attempt.send.wire_accepted());
    json.key("received").number(attempt.receive.wire());
    write_time(json, "took_us", attempt.times.ended, attempt.times.queued);
    json.end_object();
}

}  // namespace

void write_open_json(JsonWriter& json, const Outcome& outcome, std::span<const Outcome> attempts) {
    json.begin_object().key("side").string(name(outcome.side));
    write_verdict(json, outcome);
    write_send(json, outcome.send);
    write_receive(json, outcome.receive);
    write_connection(json, outcome);
    json.key("delivery").begin_object();
    json.key("level").string(name(delivery_of(outcome))).end_object();
    write_times(json, outcome.times);
    if (attempts.empty() && outcome.side == Side::client) {
        attempts = std::span(&outcome, 1);
    }
    json.key("attempts").begin_array();
    for (const Outcome& attempt : attempts) {
        write_attempt(json, attempt);
    }
    json.end_array();
}

std::string to_json(const Outcome& outcome, std::span<const Outcome> attempts) {
    JsonWriter json;
    write_open_json(json, outcome, attempts);
    return json.end_object().take();
}

}  // namespace sluice::http
