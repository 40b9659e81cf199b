#include "sluice/examples/store.h"

#include "sluice/examples/object_key.h"
#include "sluice/http/date.h"
#include "sluice/http/json.h"
#include "sluice/http/preconditions.h"
#include "sluice/http/url.h"
#include "sluice/runtime/atomic_file.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/forward.h"
#include "sluice/runtime/hashed.h"
#include "sluice/runtime/operation.h"
#include "sluice/tls/digest.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

namespace sluice::examples {

namespace {

using http::FieldsView;
using http::Method;
using http::Precondition;
using http::Status;

constexpr std::string_view objects_path = "/o/";

// Adds a field that is one: what is said with it are constants, dates, numbers and hashes.
void say(http::Responder& responder, std::string_view name, std::string_view value) {
    static_cast<void>(responder.fields().add(name, value));
}

http::Stored stored(const Object* object) {
    if (object == nullptr) {
        return {};
    }
    return {true, http::parse_entity_tag(object->etag), object->modified_unix_seconds};
}

// What a request for a change says about what must be stored.
ObjectIndex::Condition condition_of(const http::Request& request, std::int64_t now) {
    const FieldsView fields = request.fields();
    if (!fields.contains("if-match") && !fields.contains("if-none-match") &&
        !fields.contains("if-unmodified-since")) {
        return nullptr;
    }
    return [fields, method = request.method(), now](const Object* object) {
        return http::evaluate(fields, method, stored(object), now) == Precondition::holds;
    };
}

void refuse(http::Responder& responder, ObjectIndex::Change::Start start) {
    if (start == ObjectIndex::Change::Start::refused) {
        responder.respond(Status::precondition_failed, "the condition does not hold\n");
    } else {
        responder.respond(Status::conflict, "another change of this object is under way\n");
    }
}

// The answer to an upload that did not become an object. Whoever cut it will not see it.
Status status_of(const Error& error, Side failed) {
    if (failed == Side::source) {
        switch (error.code) {
            case Errc::limit_exceeded: return Status::content_too_large;
            case Errc::timed_out: return Status::request_timeout;
            default: return Status::bad_request;
        }
    }
    return error.code == Errc::no_space ? Status::insufficient_storage
                                        : Status::internal_server_error;
}

void describe(const Object& object, http::Responder& responder) {
    std::array<char, http::date_octets> date{};
    say(responder, "Content-Type", "application/octet-stream");
    say(responder, "Accept-Ranges", "bytes");
    say(responder, "Last-Modified", http::write_date(object.modified_unix_seconds, date));
    if (!object.etag.empty()) {
        say(responder, "ETag", object.etag);
    }
}

// Answers, up to the content: which part of the object that is, or none where it is not due.
std::optional<FileRange> answer(const Object& object, const http::Request& request,
                                http::Responder& responder, std::int64_t now) {
    describe(object, responder);
    switch (http::evaluate(request.fields(), request.method(), stored(&object), now)) {
        case Precondition::holds: break;
        case Precondition::not_modified:
            responder.respond(Status::not_modified);
            return std::nullopt;
        case Precondition::failed:
            responder.respond(Status::precondition_failed);
            return std::nullopt;
    }
    http::RangeRequest range;
    const std::optional<std::string_view> wanted = request.fields().find("range");
    if (wanted && request.method() == Method::get &&
        http::range_applies(request.fields(), stored(&object), now)) {
        range = http::parse_range(*wanted, object.octets);
    }
    std::array<char, http::content_range_octets_max> text{};
    switch (range.kind) {
        case http::RangeRequest::Kind::whole:
            responder.start(Status::ok, object.octets);
            return FileRange{0, object.octets};
        case http::RangeRequest::Kind::part:
            say(responder, "Content-Range",
                http::write_content_range({range.range, object.octets}, text));
            responder.start(Status::partial_content, range.range.octets());
            return FileRange{range.range.first, range.range.octets()};
        case http::RangeRequest::Kind::unsatisfiable:
            say(responder, "Content-Range",
                http::write_content_range({std::nullopt, object.octets}, text));
            responder.respond(Status::range_not_satisfiable);
            return std::nullopt;
    }
    return std::nullopt;
}

std::string query_value(std::string_view query, std::string_view name) {
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (pair.starts_with(name) && pair.substr(name.size()).starts_with('=')) {
            return http::percent_decode(pair.substr(name.size() + 1)).value_or(std::string());
        }
    }
    return {};
}

Task<Result<void>> remove_durably(std::string path, std::string directory) {
    Result<File> open = co_await File::open(std::move(directory), O_RDONLY | O_DIRECTORY);
    if (!open) {
        co_return failed(open);
    }
    Perform removing(Remove{path.c_str()});
    const std::int32_t removed = co_await removing;
    if (removed < 0) {
        co_return std::unexpected(error_from_errno(-removed, Phase::remove));
    }
    const Result<void> synced = co_await open->sync();
    co_return synced;
}

Task<std::int64_t> unix_seconds() {
    const Context context = co_await this_task();
    co_return context.loop->backend().unix_seconds();
}

}  // namespace

Task<> Store::handle(http::Request& request, http::Responder& responder) {
    const std::string_view path = request.path();
    const bool reads = request.method() == Method::get || request.method() == Method::head;
    if (path.starts_with(objects_path) && path.size() > objects_path.size()) {
        std::expected<std::string, std::string_view> key =
            key_of_path(path.substr(objects_path.size()));
        if (!key) {
            responder.respond(Status::bad_request, std::string(key.error()) + '\n');
            co_return;
        }
        co_await handle_object(std::move(*key), request, responder);
    } else if (path != objects_path && path != "/healthz" && path != "/") {
        responder.respond(Status::not_found, "no such place\n");
    } else if (!reads) {
        say(responder, "Allow", "GET, HEAD");
        responder.respond(Status::method_not_allowed);
    } else if (path == objects_path) {
        list(request, responder);
    } else {
        say(responder, "Content-Type", "text/plain");
        responder.respond(Status::ok,
                          path == "/" ? "PUT, GET and DELETE /o/KEY; GET /o/\n" : "ok\n");
    }
}

Task<> Store::handle_object(std::string key, http::Request& request, http::Responder& responder) {
    const Method method = request.method();
    if (method == Method::put) {
        co_await put(std::move(key), request, responder);
    } else if (method == Method::get || method == Method::head) {
        co_await get(std::move(key), request, responder);
    } else if (method == Method::delete_) {
        co_await remove(std::move(key), request, responder);
    } else {
        say(responder, "Allow", "GET, HEAD, PUT, DELETE");
        responder.respond(Status::method_not_allowed);
    }
}

Task<> Store::put(std::string key, http::Request& request, http::Responder& responder) {
    if (request.fields().contains("content-range")) {
        responder.respond(Status::bad_request, "an object is stored as a whole\n");
        co_return;
    }
    const std::int64_t now = co_await unix_seconds();
    const ObjectIndex::Condition condition = condition_of(request, now);
    const std::optional<Object> before = index_.find(key);
    // Judged here so that unwanted content is not even asked for, and again when it is committed.
    if (condition && !condition(before ? &*before : nullptr)) {
        refuse(responder, ObjectIndex::Change::Start::refused);
        co_return;
    }

    tls::Sha256 sha256;
    std::string etag;
    auto start = ObjectIndex::Change::Start::begun;
    ObjectIndex::Change change(index_, key);
    AtomicFile file(index_.path_of(key));
    file.before_commit([&](File& whole) -> Result<void> {
        start = change.begin(condition);
        if (start != ObjectIndex::Change::Start::begun) {
            return failure(Errc::aborted, Phase::rename);
        }
        etag = '"' + tls::hex(sha256.finish()) + '"';
        change.writes(ObjectIndex::attach(whole, etag));
        return {};
    });
    HashedSink hashed(file, sha256);
    Passage passage;
    const Result<std::uint64_t> octets = co_await forward(request.body(), hashed, passage);
    change.end();

    if (start != ObjectIndex::Change::Start::begun) {
        refuse(responder, start);
    } else if (!octets) {
        responder.respond(status_of(octets.error(), passage.failed));
    } else {
        say(responder, "ETag", etag);
        responder.respond(change.replaced() ? Status::no_content : Status::created);
    }
}

Task<> Store::get(std::string key, http::Request& request, http::Responder& responder) {
    std::optional<Object> object = index_.find(key);
    const Result<File> file = co_await File::open_to_read(index_.path_of(key));
    if (!object || !file) {
        responder.respond(Status::not_found, "no such object\n");
        co_return;
    }
    const Result<FileStatus> status = co_await file->status();
    if (!status) {
        responder.respond(Status::internal_server_error);
        co_return;
    }
    if (status->inode != object->inode) {
        object = ObjectIndex::describe(*file, *status);  // Replaced a moment ago.
    }

    const std::int64_t now = co_await unix_seconds();
    const std::optional<FileRange> part = answer(*object, request, responder, now);
    if (part && request.method() == Method::head) {
        std::ignore = co_await responder.body().finish();
    } else if (part) {
        FileSource content(*file, *part);
        std::ignore = co_await forward(content, responder.body());
    }
}

Task<> Store::remove(std::string key, http::Request& request, http::Responder& responder) {
    const std::int64_t now = co_await unix_seconds();
    ObjectIndex::Change change(index_, key);
    const ObjectIndex::Change::Start start = change.begin(condition_of(request, now));
    if (start != ObjectIndex::Change::Start::begun) {
        refuse(responder, start);
        co_return;
    }
    const Result<void> removed = co_await remove_durably(index_.path_of(key), index_.directory());
    change.end();
    if (removed) {
        responder.respond(Status::no_content);
    } else if (removed.error().code == Errc::not_found) {
        responder.respond(Status::not_found, "no such object\n");
    } else {
        responder.respond(Status::internal_server_error);
    }
}

void Store::list(const http::Request& request, http::Responder& responder) const {
    const std::string prefix = query_value(request.query(), "prefix");
    const std::string after = query_value(request.query(), "after");
    const auto objects = index_.list(prefix, after, listed_max);
    std::array<char, http::date_octets> date{};
    http::JsonWriter json;
    json.begin_object().key("objects").begin_array();
    for (const auto& [key, object] : objects) {
        json.begin_object().key("key").string(key);
        json.key("path").string("/o/" + http::percent_encode(key, "/"));
        json.key("size").number(object.octets).key("etag").string(object.etag);
        json.key("modified").string(http::write_date(object.modified_unix_seconds, date));
        json.end_object();
    }
    // There may be more: to be asked for with &after=, and the last key.
    json.end_array().key("more").boolean(objects.size() == listed_max).end_object();
    say(responder, "Content-Type", "application/json");
    responder.respond(http::Status::ok, json.take() + '\n');
}

}  // namespace sluice::examples
