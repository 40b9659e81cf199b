// EngineBio: what OpenSSL calls of an Engine's.

#pragma once

#include "sluice/tls/engine.h"
#include "sluice/tls/openssl_objects.h"

#include <cstddef>
#include <span>

namespace sluice::tls {

struct EngineBio {
    [[nodiscard]] static BIO_METHOD* method();

    // SSL_set_info_callback(3).
    static void noted(const SSL* ssl, int where, int value);

private:
    static int read(BIO* bio, char* into, std::size_t size, std::size_t* count);
    static int read_tickets(Engine& engine, BIO* bio, std::span<std::byte> into,
                            std::size_t& count);
    static int write(BIO* bio, const char* from, std::size_t size, std::size_t* count);
    static long control(BIO* bio, int command, long number, void* argument);
};

}  // namespace sluice::tls
