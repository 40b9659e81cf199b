// Store: objects over HTTP, each a file of one directory.
//
// An object is whole or absent: its content goes disk-wards as it comes, hashed on the way, and
// gets its name only when its last octet and its hash are safe on the disk. Only then is it
// confirmed. An upload that is cut leaves nothing.
//
//     PUT    /o/KEY         201 or 204 once it is durable, with its SHA-256 as ETag
//     GET    /o/KEY         with a range and conditions, if given; HEAD alike
//     DELETE /o/KEY         204 once that is durable
//     GET    /o/?prefix=P   what there is, as JSON; &after=KEY goes on after a key
//     GET    /healthz       200
//
// Ownership:    Outlives the servers whose handler it is.
// Errors:       Are answers: 400 for what is no key, 412 for a condition that does not hold, 413,
//               507 for a full disk; 409 when a conditional change meets another of the same
//               object.
// Threading:    Any number of loops at once, once it is open.

#pragma once

#include "sluice/examples/object_index.h"
#include "sluice/http/ranges.h"
#include "sluice/http/request.h"
#include "sluice/http/responder.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/file.h"
#include "sluice/runtime/task.h"

#include <cstddef>
#include <string>

namespace sluice::examples {

class Store {
public:
    static constexpr std::size_t listed_max = 1000;

    explicit Store(std::string directory) : index_(std::move(directory)) {}

    // Reads the directory. Blocks.
    [[nodiscard]] Result<void> load() { return index_.load(); }

    [[nodiscard]] Task<> handle(http::Request& request, http::Responder& responder);

private:
    [[nodiscard]] Task<> handle_object(std::string key, http::Request& request,
                                       http::Responder& responder);
    [[nodiscard]] Task<> put(std::string key, http::Request& request, http::Responder& responder);
    [[nodiscard]] Task<> get(std::string key, http::Request& request, http::Responder& responder);
    [[nodiscard]] Task<> remove(std::string key, http::Request& request,
                                http::Responder& responder);
    void list(const http::Request& request, http::Responder& responder) const;

    ObjectIndex index_;
};

}  // namespace sluice::examples
