#include "sluice/tls/engine_bio.h"

#include "sluice/runtime/ensure.h"

#include <algorithm>
#include <cstring>

namespace sluice::tls {

namespace {

// What a peer may say in a row that carries no plaintext: tickets, updates of keys. Each costs us
// more than it costs the peer, and OpenSSL counts only records that are empty. It tells twice of
// each: where it begins, and behind it.
constexpr std::uint32_t asides_max = 2 * 32;

}  // namespace

int EngineBio::read(BIO* bio, char* into, std::size_t size, std::size_t* count) {
    Engine& engine = *static_cast<Engine*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    if (engine.records_ != nullptr) {
        return read_tickets(engine, bio, std::as_writable_bytes(std::span(into, size)), *count);
    }
    if (engine.asides_ > asides_max) {
        engine.grow_tired();
        return -1;
    }
    *count = std::min(size, engine.input_.size());
    if (*count == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    std::memcpy(into, engine.input_.octets().data(), *count);
    engine.input_.drop_front(*count);
    if (engine.input_.empty()) {
        engine.used_up_input();
    }
    if (engine.shaking_ != nullptr) {
        engine.shaking_->said = {};
    }
    return 1;
}

// NOLINTNEXTLINE(readability-function-size): those of read().
int EngineBio::read_tickets(Engine& engine, BIO* bio, std::span<std::byte> into,
                            std::size_t& count) {
    while (!engine.tickets_.empty() && engine.tickets_.front().empty()) {
        engine.tickets_ = engine.tickets_.subspan(1);
    }
    if (engine.tickets_.empty()) {
        BIO_set_retry_read(bio);
        return -1;
    }
    std::span<const std::byte>& from = engine.tickets_.front();
    count = std::min(into.size(), from.size());
    std::memcpy(into.data(), from.data(), count);
    from = from.subspan(count);
    return 1;
}

int EngineBio::write(BIO* bio, const char* from, std::size_t size, std::size_t* count) {
    Engine& engine = *static_cast<Engine*>(BIO_get_data(bio));
    BIO_clear_retry_flags(bio);
    *count = size;
    if (!engine.seals_ || engine.records_ != nullptr) {
        return 1;  // Sealed by keys that others go on with. What is to be said is noted.
    }
    const std::span octets = std::as_bytes(std::span(from, size));
    if (engine.offered_ != nullptr) {
        engine.offered_->sealed.count(octets);
    }
    if (engine.shaking_ != nullptr) {
        engine.shaking_->said.count(octets);
    }
    if (engine.is_elsewhere()) {
        engine.shaking_->elsewhere->append(from, size);
    } else {
        engine.output_.append(octets);
    }
    return 1;
}

// Of keys for sending, `number` is not 0. They are declined, as everything that is not known.
long EngineBio::control(BIO* bio, int command, long number, void* argument) {
    constexpr int offer_of_keys = 72;  // BIO_CTRL_SET_KTLS, which OpenSSL's headers leave out.
    if (command == offer_of_keys && number != 0) {
        static_cast<Engine*>(BIO_get_data(bio))->note_keys(argument);
    }
    return command == BIO_CTRL_FLUSH;
}

BIO_METHOD* EngineBio::method() {
    static BIO_METHOD* const method = [] {
        BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sluice");
        ensure(made != nullptr);
        ensure(BIO_meth_set_read_ex(made, read) == 1);
        ensure(BIO_meth_set_write_ex(made, write) == 1);
        ensure(BIO_meth_set_ctrl(made, control) == 1);
        return made;
    }();
    return method;
}

void EngineBio::noted(const SSL* ssl, int where, int value) {
    if ((where & SSL_CB_ALERT) != 0) {
        Engine::of(ssl).note_alert((where & SSL_CB_READ) != 0, value);
    } else if ((where & SSL_CB_LOOP) != 0 && SSL_get_state(ssl) == TLS_ST_OK) {
        ++Engine::of(ssl).asides_;
    }
}

}  // namespace sluice::tls
