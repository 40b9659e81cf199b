#include "sluice/tests/simulation/store_host.h"

#include "sluice/runtime/atomic_file.h"
#include "sluice/runtime/file.h"

#include <fcntl.h>

#include <memory>

namespace sluice::campaign {

namespace {

constexpr const char* directory = "/objects";

}  // namespace

StoreHost::StoreHost(World& world)
    : world_(world),
      disk_(world.backend.mount(directory, options_of(world.script).disk)),
      store_(directory),
      recorder_(world, Host::store, http::Side::server),
      server_(
          world.loop,
          [this](http::Request& request, http::Responder& responder) {
              return handle(request, responder);
          },
          server_options_of(world.script)) {
    server_.observe(&recorder_);
}

std::string StoreHost::name_of(std::uint32_t number) {
    return "film" + std::to_string(number % 4);
}

Task<> StoreHost::serve(std::string_view at) {
    Listening listening(world_.loop, at, world_.script, world_.tls, world_.evidence.taken_ports);
    const Result<void> served = co_await server_.serve(listening);
    ensure(served.has_value() || served.error().code == Errc::cancelled);
}

void StoreHost::crash() {
    if (world_.evidence.crashed_at != never) {
        return;
    }
    world_.evidence.crashed_at = world_.backend.now();
    Random random(world_.script.seed);
    const simulation::DiskImage image = disk_.crash(random);
    disk_.power_off();
    for (const auto& [name, node] : image.nodes.front().names) {
        if (!image.nodes[node].is_directory && !name.starts_with(AtomicFile::hidden_prefix)) {
            const auto& octets = image.nodes[node].contents;
            world_.evidence.survivors[name].assign(reinterpret_cast<const char*>(octets.data()),
                                                   octets.size());
        }
    }
}

Task<> StoreHost::handle(http::Request& request, http::Responder& responder) {
    Handling& handling = counter_.begin(world_, Host::store, request);
    const HandlerEnd end(world_, handling, responder);
    if (world_.plant == Plant::half_written_object) {
        co_await put_half(request, responder);
    } else {
        co_await store_.handle(request, responder);
    }
}

// A store as one should not be.
Task<> StoreHost::put_half(http::Request& request, http::Responder& responder) {
    const std::string name(request.path().substr(std::string_view("/o/").size()));
    Result<File> file =
        co_await File::open(std::string(directory) + "/" + name, O_CREAT | O_WRONLY | O_TRUNC);
    std::uint64_t octets = 0;
    while (file) {
        const Result<std::span<const std::byte>> content = co_await request.body().read();
        if (!content || content->empty()) {
            break;
        }
        const Result<void> written = co_await file->write_at(*content, octets);
        const Result<void> synced = co_await file->sync();
        if (!written || !synced) {
            break;
        }
        octets += content->size();
    }
    responder.respond(request.body().ended() ? http::Status::created
                                             : http::Status::internal_server_error);
}

}  // namespace sluice::campaign
