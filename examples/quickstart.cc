// quickstart: the main job of Sluice in one go, with the store in the same process.
//
// Sends a file to an object store through a body sink, fetches and verifies it, and then does both
// again over a connection that is cut half-way, to show what each side is told. With --tls all of
// it goes over TLS, with a certificate made for the occasion.

#include "sluice/examples/cutting_proxy.h"
#include "sluice/examples/progress_bar.h"
#include "sluice/examples/stopped_by_signals.h"
#include "sluice/examples/store.h"
#include "sluice/runtime/tcp.h"
#include "sluice/sluice.h"
#include "sluice/tls/digest.h"
#include "sluice/tls/own_certificate.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

namespace sluice::examples {
namespace {

constexpr std::uint64_t file_octets = 256 * 1024 * 1024;
constexpr std::size_t piece_octets = 256 * 1024;

// A directory for as long as the program runs.
class TemporaryDirectory {
public:
    TemporaryDirectory() {
        std::error_code error;
        path_ = (std::filesystem::temp_directory_path(error) / "sluice-XXXXXX").string();
        made_ = !error && ::mkdtemp(path_.data()) != nullptr;
    }
    TemporaryDirectory(TemporaryDirectory&&) = delete;
    ~TemporaryDirectory() {
        std::error_code error;
        if (made_) {
            std::filesystem::remove_all(path_, error);
        }
    }

    [[nodiscard]] bool is_made() const noexcept { return made_; }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

private:
    std::string path_;
    bool made_ = false;
};

// What the store was told of its exchanges, in order.
class StoreSide final : public http::OutcomeObserver {
public:
    void exchange_ended(const http::Outcome& outcome) override {
        if (http::verdict_of(outcome) != http::Verdict::no_exchange) {
            outcomes_.push_back(outcome);
            more_.set();
        }
    }

    // Waits for the next one, unless it is asked to stop.
    [[nodiscard]] Task<Result<http::Outcome>> next() {
        while (outcomes_.empty()) {
            more_.reset();
            const bool happened = co_await more_.wait();
            if (!happened) {
                co_return failure(Errc::cancelled, Phase::wait);
            }
        }
        const http::Outcome outcome = outcomes_.front();
        outcomes_.pop_front();
        co_return outcome;
    }

private:
    std::deque<http::Outcome> outcomes_;
    Event more_;
};

// Octets without a pattern, and always the same.
class Noise {
public:
    void fill(std::vector<std::uint64_t>& words) noexcept {
        for (std::uint64_t& word : words) {
            state_ ^= state_ << 13;
            state_ ^= state_ >> 7;
            state_ ^= state_ << 17;
            word = state_;
        }
    }

private:
    std::uint64_t state_ = 0x9E3779B97F4A7C15;
};

class Quickstart {
public:
    // `https` is empty: over plain TCP.
    Quickstart(Loop& loop, const std::string& directory, const Endpoint& store,
               StoreSide& store_side, const ConnectorLayer& https)
        : loop_(loop),
          client_(loop, {.https = https}),
          scheme_(https ? "https" : "http"),
          store_(store),
          store_side_(store_side),
          film_(directory + "/film"),
          copy_(directory + "/copy") {}

    [[nodiscard]] Task<Result<void>> run() {
        const Result<void> done = co_await run_all();
        co_await client_.close();
        co_return done;
    }

private:
    [[nodiscard]] std::string url_of(const Endpoint& server, const char* key) const {
        return scheme_ + "://" + server.text() + "/o/" + key;
    }
    [[nodiscard]] Task<Result<void>> run_all();
    [[nodiscard]] Task<Result<void>> make_file();
    [[nodiscard]] Task<Result<void>> upload(const char* title, const Endpoint& to, const char* key);
    [[nodiscard]] Task<Result<void>> download(const char* title, const Endpoint& from);
    [[nodiscard]] Task<Result<void>> upload_and_cut();
    [[nodiscard]] Task<Result<void>> download_and_cut();
    [[nodiscard]] Task<Result<void>> tell(const http::Outcome& client, http::Method method,
                                          Instant began);

    Loop& loop_;
    http::Client client_;
    std::string scheme_;
    Endpoint store_;
    StoreSide& store_side_;
    std::string film_;
    std::string copy_;
    std::string hash_;
};

Task<Result<void>> Quickstart::make_file() {
    Result<File> file = co_await File::create(film_);
    if (!file) {
        co_return failed(file);
    }
    Noise noise;
    tls::Sha256 sha256;
    std::vector<std::uint64_t> words(piece_octets / sizeof(std::uint64_t));
    for (std::uint64_t offset = 0; offset < file_octets; offset += piece_octets) {
        noise.fill(words);
        const std::span<const std::byte> piece = std::as_bytes(std::span(words));
        sha256.update(piece);
        const Result<void> written = co_await file->write_at(piece, offset);
        if (!written) {
            co_return written;
        }
    }
    hash_ = tls::hex(sha256.finish());
    std::printf("A file of %s, SHA-256 %s...\n", octets_for_people(file_octets).c_str(),
                hash_.substr(0, 16).c_str());
    co_return Result<void>();
}

Task<Result<void>> Quickstart::upload(const char* title, const Endpoint& to, const char* key) {
    std::printf("\n%s\n", title);
    std::fflush(stdout);
    const Result<File> file = co_await File::open_to_read(film_);
    if (!file) {
        co_return failed(file);
    }
    const Instant began = loop_.now();
    http::Exchange exchange = client_.begin(http::put(url_of(to, key)).length(file_octets));
    {
        ProgressBar bar(loop_, file_octets);
        FileSource content(*file);
        ProgressSource progress(content, bar);
        std::ignore = co_await forward(progress, exchange.body());
    }
    const http::Outcome outcome = co_await exchange.outcome();
    const Result<void> told = co_await tell(outcome, http::Method::put, began);
    co_return told;
}

Task<Result<void>> Quickstart::download(const char* title, const Endpoint& from) {
    std::printf("\n%s\n", title);
    std::fflush(stdout);
    const Instant began = loop_.now();
    http::Exchange exchange = client_.begin(http::get(url_of(from, "film")));
    tls::Sha256 sha256;
    AtomicFile copy(copy_);
    HashedSink hashed(copy, sha256);
    Result<http::Response> response = co_await exchange.response();
    if (response) {
        ProgressBar bar(loop_, file_octets);
        ProgressSource progress(response->body(), bar);
        std::ignore = co_await forward(progress, hashed);
    }
    const http::Outcome outcome = co_await exchange.outcome();
    const Result<void> told = co_await tell(outcome, http::Method::get, began);
    if (!told) {
        co_return told;
    }
    if (!copy.is_visible()) {
        std::printf("  There is no copy on the disk: half a file is none.\n");
    } else if (tls::hex(sha256.finish()) == hash_) {
        std::printf("  The SHA-256 is the same.\n");
    } else {
        std::printf("  THE SHA-256 DIFFERS.\n");
        co_return failure(Errc::input_output, Phase::read);
    }
    std::error_code error;
    std::filesystem::remove(copy_, error);
    co_return Result<void>();
}

Task<Result<void>> Quickstart::upload_and_cut() {
    CuttingProxy proxy(loop_, store_, CuttingProxy::Direction::to_server, file_octets / 2);
    const Result<Endpoint> at = proxy.listen();
    if (!at) {
        co_return failed(at);
    }
    const Context context = co_await this_task();
    Running<Result<void>> cutting(context, proxy.serve());
    const Result<void> done =
        co_await upload("Upload, over a connection that a proxy resets half-way", *at, "cut");
    co_await cutting.join();
    const Result<void> cut = cutting.take();
    if (!done || !cut) {
        co_return done ? cut : done;
    }
    const http::Fetched asked = co_await client_.fetch(http::head(url_of(store_, "cut")));
    std::ignore = co_await store_side_.next();  // What the store was told of that.
    const bool is_absent = asked.status() == http::Status::not_found;
    std::printf("  The store says %u to a HEAD of it: %s.\n",
                static_cast<unsigned>(http::code_of(asked.status())),
                is_absent ? "half an object is none" : "THIS IS WRONG");
    co_return is_absent ? Result<void>() : failure(Errc::exists, Phase::read);
}

Task<Result<void>> Quickstart::download_and_cut() {
    CuttingProxy proxy(loop_, store_, CuttingProxy::Direction::to_client, file_octets / 2);
    const Result<Endpoint> at = proxy.listen();
    if (!at) {
        co_return failed(at);
    }
    const Context context = co_await this_task();
    Running<Result<void>> cutting(context, proxy.serve());
    const Result<void> done =
        co_await download("Download, over a connection that a proxy resets half-way", *at);
    co_await cutting.join();
    const Result<void> cut = cutting.take();
    co_return done ? cut : done;
}

Task<Result<void>> Quickstart::tell(const http::Outcome& client, http::Method method,
                                    Instant began) {
    const Duration took = loop_.now() - began;
    const std::uint64_t octets = client.send.body_accepted + client.receive.body;
    const Result<http::Outcome> store = co_await store_side_.next();
    if (!store) {
        co_return failed(store);
    }
    std::printf("  client  %s\n  store   %s\n", http::sentence(client, method).c_str(),
                http::sentence(*store, method).c_str());
    std::printf("  %.1f s, %s\n", std::chrono::duration<double>(took).count(),
                rate_for_people(octets, took).c_str());
    co_return Result<void>();
}

Task<Result<void>> Quickstart::run_all() {
    Result<void> done = co_await make_file();
    if (done) {
        done = co_await upload("Upload", store_, "film");
    }
    if (done) {
        done = co_await download("Download", store_);
    }
    if (done) {
        done = co_await upload_and_cut();
    }
    if (done) {
        done = co_await download_and_cut();
    }
    co_return done;
}

// How both ends are to speak TLS; each is empty where they are not to.
struct Secrecy {
    std::optional<tls::ServerContext> server;
    ConnectorLayer client;
};

std::optional<Secrecy> make_secrecy(const std::string& directory) {
    const std::optional<tls::Identity> identity = tls::make_own_certificate(directory);
    if (!identity) {
        return std::nullopt;
    }
    const auto server = tls::ServerContext::create({.identity = *identity});
    const auto client = tls::ClientContext::create({.trust_file = identity->certificate_file});
    if (!server || !client) {
        return std::nullopt;
    }
    return Secrecy{*server, tls::https(*client)};
}

Task<Result<void>> run(Loop& loop, const std::string& directory, const Secrecy& secrecy) {
    Store store(directory + "/store");
    const Result<void> loaded = store.load();
    if (!loaded) {
        co_return loaded;
    }
    const Result<std::unique_ptr<TcpAcceptor>> acceptor =
        TcpAcceptor::listen(loop, Endpoint::loopback(0));
    if (!acceptor) {
        co_return failed(acceptor);
    }
    http::Server server(loop, [&store](http::Request& request, http::Responder& responder) {
        return store.handle(request, responder);
    });
    StoreSide store_side;
    server.observe(&store_side);
    const Endpoint at = (*acceptor)->local();
    std::printf("An object store listens on %s://%s and keeps its files in %s/store.\n",
                secrecy.server ? "https" : "http", at.text().c_str(), directory.c_str());
    std::optional<tls::TlsAcceptor> secure;
    if (secrecy.server) {
        secure.emplace(loop, **acceptor, *secrecy.server);
    }
    Acceptor& accepting = secure ? *secure : static_cast<Acceptor&>(**acceptor);
    const Context context = co_await this_task();
    Running<Result<void>> serving(context, server.serve(accepting));
    Quickstart quickstart(loop, directory, at, store_side, secrecy.client);
    const Result<void> done = co_await quickstart.run();
    server.drain(std::chrono::seconds(1));
    co_await serving.join();
    const Result<void> served = serving.take();
    co_return done ? served : done;
}

}  // namespace
}  // namespace sluice::examples

SLUICE_MAIN(sluice::Loop& loop, sluice::Arguments arguments) {
    const bool is_secret = arguments.size() == 1 && arguments.front() == "--tls";
    if (!is_secret && !arguments.empty()) {
        std::fputs("usage: quickstart [--tls]\n", stderr);
        co_return 2;
    }
    const sluice::examples::TemporaryDirectory directory;
    if (!directory.is_made()) {
        std::fputs("no temporary directory can be made\n", stderr);
        co_return 1;
    }
    std::optional<sluice::examples::Secrecy> secrecy = sluice::examples::Secrecy();
    if (is_secret) {
        secrecy = sluice::examples::make_secrecy(directory.path());
    }
    if (!secrecy) {
        std::fputs("no certificate can be made\n", stderr);
        co_return 1;
    }
    sluice::block_signals(sluice::SignalSet::termination());
    const sluice::Result<void> done = co_await sluice::examples::stopped_by_signals(
        sluice::examples::run(loop, directory.path(), *secrecy));
    co_return done;
}
