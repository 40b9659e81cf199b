#include "sluice/examples/store.h"

#include "sluice/http/client.h"
#include "sluice/http/server.h"
#include "sluice/http/verdict.h"
#include "sluice/runtime/await.h"
#include "sluice/runtime/scope.h"
#include "sluice/runtime/tcp.h"
#include "sluice/tests/catch.h"
#include "sluice/tests/support/on_kernel.h"
#include "sluice/tests/support/temporary_directory.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace sluice::examples {
namespace {

using http::Fetched;
using http::Status;

// printf hello | sha256sum
const std::string hello_hash = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const std::string hello_etag = '"' + hello_hash + '"';

// A store on a port of its own, and a client.
class Rig {
public:
    Rig(Loop& loop, const Endpoint& at) : client(loop), url("http://" + at.text()) {}

    http::Client client;
    std::string url;

    [[nodiscard]] Task<Fetched> put(std::string path, std::string content) {
        return client.fetch(http::put(url + path).content(std::move(content)));
    }
    [[nodiscard]] Task<Fetched> get(std::string path) {
        return client.fetch(http::get(url + path));
    }
};

using Drive = std::function<Task<>(Rig&)>;

Task<> serve_while(const std::string& directory, const Drive& drive) {
    const Context context = co_await this_task();
    Store store(directory);
    REQUIRE(store.load());
    const Result<std::unique_ptr<TcpAcceptor>> acceptor =
        TcpAcceptor::listen(*context.loop, Endpoint::loopback(0));
    REQUIRE(acceptor);
    http::Server server(*context.loop,
                        [&store](http::Request& request, http::Responder& responder) {
                            return store.handle(request, responder);
                        });
    Running<Result<void>> serving(context, server.serve(**acceptor));
    {
        Rig rig(*context.loop, (*acceptor)->local());
        co_await drive(rig);
        co_await rig.client.close();
    }
    server.drain(std::chrono::seconds(1));
    co_await serving.join();
    CHECK(serving.take());
}

void with_store(const tests::TemporaryDirectory& directory, const Drive& drive) {
    tests::on_kernel(serve_while(directory.path("root"), drive));
}

std::string field(const Fetched& fetched, std::string_view name) {
    return std::string(fetched.fields.view().find(name).value_or("-"));
}

Task<> store_and_replace(Rig& rig) {
    const Fetched created = co_await rig.put("/o/a%2Fb%20c", "hello");
    CHECK(created.status() == Status::created);
    CHECK(field(created, "etag") == hello_etag);
    const Fetched replaced = co_await rig.put("/o/a/b%20c", "other");
    CHECK(replaced.status() == Status::no_content);
    CHECK(field(replaced, "etag") != hello_etag);
    const Fetched got = co_await rig.get("/o/a/b%20c");
    CHECK(got.status() == Status::ok);
    CHECK(got.content == "other");
    CHECK(field(got, "etag") == field(replaced, "etag"));
}

TEST_CASE("store: an object is what was put last, with its SHA-256 as tag", "[examples][store]") {
    const tests::TemporaryDirectory directory;
    with_store(directory, store_and_replace);
    CHECK(directory.read("root/a%2Fb%20c") == "other");
}

Task<> cut_an_upload(Rig& rig) {
    const Fetched before = co_await rig.put("/o/film", "hello");
    CHECK(before.status() == Status::created);
    {
        http::Exchange exchange = rig.client.begin(http::put(rig.url + "/o/film").length(10));
        const std::string half = "other";
        std::ignore = co_await exchange.body().write(std::as_bytes(std::span(half)));
        exchange.abort();
        const http::Outcome outcome = co_await exchange.outcome();
        CHECK(http::verdict_of(outcome) == http::Verdict::cancelled);
    }
    const Fetched after = co_await rig.get("/o/film");
    CHECK(after.content == "hello");
    CHECK(field(after, "etag") == hello_etag);
}

TEST_CASE("store: an upload that is cut leaves what was there, and nothing else",
          "[examples][store]") {
    const tests::TemporaryDirectory directory;
    with_store(directory, cut_an_upload);
    CHECK(std::filesystem::directory_iterator(directory.path("root"))->path().filename() == "film");
    CHECK(directory.read("root/film") == "hello");
}

Task<> put_on_conditions(Rig& rig) {
    const http::ClientRequest create =
        http::put(rig.url + "/o/a").content("hello").field("If-None-Match", "*");
    const Fetched first = co_await rig.client.fetch(create);
    CHECK(first.status() == Status::created);
    const Fetched second = co_await rig.client.fetch(create);
    CHECK(second.status() == Status::precondition_failed);
    const Fetched matched = co_await rig.client.fetch(
        http::put(rig.url + "/o/a").content("other").field("If-Match", hello_etag));
    CHECK(matched.status() == Status::no_content);
    const Fetched outdated = co_await rig.client.fetch(
        http::put(rig.url + "/o/a").content("third").field("If-Match", hello_etag));
    CHECK(outdated.status() == Status::precondition_failed);
    const Fetched got = co_await rig.get("/o/a");
    CHECK(got.content == "other");
}

TEST_CASE("store: a change depends on what is stored, if it says so", "[examples][store]") {
    const tests::TemporaryDirectory directory;
    with_store(directory, put_on_conditions);
}

Task<> refuse_before_the_content(Rig& rig) {
    const Fetched first = co_await rig.put("/o/a", "hello");
    CHECK(first.status() == Status::created);
    http::Exchange exchange = rig.client.begin(http::put(rig.url + "/o/a")
                                                   .length(1'000'000)
                                                   .expect_continue()
                                                   .field("If-None-Match", "*"));
    const Result<http::Response> response = co_await exchange.response();
    CHECK(response);
    const http::Outcome outcome = co_await exchange.outcome();
    CHECK(http::verdict_of(outcome) == http::Verdict::expectation_rejected);
    CHECK(outcome.status == Status::precondition_failed);
}

TEST_CASE("store: content that will not be wanted is not asked for", "[examples][store]") {
    const tests::TemporaryDirectory directory;
    with_store(directory, refuse_before_the_content);
}

Task<> get_parts(Rig& rig) {
    const Fetched put = co_await rig.put("/o/a", "hello");
    CHECK(put.status() == Status::created);
    const std::string url = rig.url + "/o/a";
    const Fetched part = co_await rig.client.fetch(http::get(url).field("Range", "bytes=1-3"));
    CHECK(part.status() == Status::partial_content);
    CHECK(part.content == "ell");
    CHECK(field(part, "content-range") == "bytes 1-3/5");
    const Fetched beyond = co_await rig.client.fetch(http::get(url).field("Range", "bytes=9-"));
    CHECK(beyond.status() == Status::range_not_satisfiable);
    CHECK(field(beyond, "content-range") == "bytes */5");
    const Fetched outdated = co_await rig.client.fetch(
        http::get(url).field("Range", "bytes=1-3").field("If-Range", "\"old\""));
    CHECK(outdated.status() == Status::ok);
    CHECK(outdated.content == "hello");
    const Fetched known =
        co_await rig.client.fetch(http::get(url).field("If-None-Match", hello_etag));
    CHECK(known.status() == Status::not_modified);
    const Fetched head = co_await rig.client.fetch(http::head(url));
    CHECK(head.status() == Status::ok);
    CHECK(field(head, "content-length") == "5");
    CHECK(head.content.empty());
}

TEST_CASE("store: what is read may be a part, or depend on what is known", "[examples][store]") {
    const tests::TemporaryDirectory directory;
    with_store(directory, get_parts);
}

Task<> list_and_remove(Rig& rig) {
    for (const char* const key : {"a/1", "a/2", "b"}) {
        const Fetched put = co_await rig.put(std::string("/o/") + key, key);
        CHECK(put.status() == Status::created);
    }
    const Fetched listed = co_await rig.get("/o/?prefix=a%2F&after=a/1");
    CHECK_THAT(listed.content, Catch::StartsWith("{\"objects\":[{\"key\":\"a/2\",\"path\":"
                                                 "\"/o/a/2\",\"size\":3,"));
    CHECK_THAT(listed.content, !Catch::Contains("\"b\""));
    const std::string url = rig.url + "/o/a/2";
    const Fetched removed = co_await rig.client.fetch(http::delete_(url));
    CHECK(removed.status() == Status::no_content);
    const Fetched again = co_await rig.client.fetch(http::delete_(url));
    CHECK(again.status() == Status::not_found);
    const Fetched got = co_await rig.get("/o/a/2");
    CHECK(got.status() == Status::not_found);
    const Fetched rest = co_await rig.get("/o/?prefix=a/2");
    CHECK(rest.content == "{\"objects\":[],\"more\":false}\n");
}

TEST_CASE("store: what is removed is neither listed nor found", "[examples][store]") {
    const tests::TemporaryDirectory directory;
    with_store(directory, list_and_remove);
}

Task<> find_what_was_there(Rig& rig) {
    const Fetched got = co_await rig.get("/o/a");
    CHECK(got.content == "hello");
    CHECK(field(got, "etag") == hello_etag);
    const Fetched listed = co_await rig.get("/o/");
    CHECK_THAT(listed.content, !Catch::Contains("%2f"));
}

TEST_CASE("store: at its start it takes in what is there, hashes what has no hash, and clears up",
          "[examples][store]") {
    const tests::TemporaryDirectory directory;
    std::filesystem::create_directory(directory.path("root"));
    directory.write("root/a", "hello");
    directory.write("root/.sluice-1f", "left by a process that was killed");
    directory.write("root/x%2fy", "named by nobody here");
    with_store(directory, find_what_was_there);
    with_store(directory, find_what_was_there);
    CHECK_FALSE(std::filesystem::exists(directory.path("root/.sluice-1f")));
    CHECK(std::filesystem::exists(directory.path("root/x%2fy")));
}

Task<> ask_for_nonsense(Rig& rig) {
    const Fetched empty = co_await rig.put("/o/", "x");
    CHECK(empty.status() == Status::method_not_allowed);
    const Fetched up = co_await rig.put("/o/a%2F..%2F..%2Fb", "x");
    CHECK(up.status() == Status::bad_request);
    const Fetched part = co_await rig.client.fetch(
        http::put(rig.url + "/o/a").content("x").field("Content-Range", "bytes 0-0/2"));
    CHECK(part.status() == Status::bad_request);
    const Fetched elsewhere = co_await rig.get("/elsewhere");
    CHECK(elsewhere.status() == Status::not_found);
    const Fetched health = co_await rig.get("/healthz");
    CHECK(health.status() == Status::ok);
}

TEST_CASE("store: what is no key, or no whole object, is refused", "[examples][store]") {
    const tests::TemporaryDirectory directory;
    with_store(directory, ask_for_nonsense);
    CHECK(directory.names() == std::set<std::string>{"root"});
    CHECK(std::filesystem::is_empty(directory.path("root")));
}

}  // namespace
}  // namespace sluice::examples
