// ReloadOnHangup: does something each time that the process gets a SIGHUP, as servers do that read
// their files again.
//
// Threading:    On a thread of its own. Make it on the first thread, before any other starts, so
//               that the signal interrupts none of them.

#pragma once

#include <atomic>
#include <functional>
#include <thread>

namespace sluice::examples {

class ReloadOnHangup {
public:
    explicit ReloadOnHangup(std::function<void()> reload);
    ReloadOnHangup(ReloadOnHangup&&) = delete;
    ~ReloadOnHangup();

private:
    std::atomic<bool> is_over_{false};
    std::thread waiting_;
};

}  // namespace sluice::examples
