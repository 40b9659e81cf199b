// KernelSealing: TLS records that the kernel makes of what a socket sends, where it can.
//
// Whoever has shaken hands gives it the keys of one direction (Transport::seal_in_kernel). From
// then on plaintext is sent, and the kernel seals it. What is received stays as it comes.
//
// What such a kernel accepts it has sealed, and may still hold back, where TCP had no room for it.
// TCP knows nothing of that, so it is told as unacknowledged; and a FIN throws it away.
//
// Ownership:    Of its Transport, until that is closed.
// Threading:    The loop's thread.
// Source:       Documentation/networking/tls.rst; net/tls/tls_sw.c of Linux 6.1.

#pragma once

#include "sluice/runtime/error.h"
#include "sluice/runtime/task.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice {

class KernelSealing {
public:
    // Sends `octets`, which stay until it completes, as one record of this type. Completes when TCP
    // has been given it, and all that was sent before: then a FIN may follow.
    //
    // Errors: as of Transport::send().
    virtual Task<Result<void>> send_record(std::uint8_t type,
                                           std::span<const std::byte> octets) = 0;

    // What the records so far have around their plaintext, at least: the kernel may have made more
    // of them than it had to. Exact after a Transport::state().
    [[nodiscard]] virtual std::uint64_t overhead_octets() const noexcept = 0;

protected:
    ~KernelSealing() = default;
};

}  // namespace sluice
