#include "sluice/runtime/ring_setup.h"

#include <algorithm>
#include <cerrno>

namespace sluice {

int set_up_ring(RingSize size, const std::function<int(RingSize)>& attempt,
                const std::function<void()>& pause) {
    int error = attempt(size);
    for (int count = 1; error == -ENOMEM && count < ring_attempts_max; ++count) {
        pause();
        error = attempt(size);
    }
    const RingSize smaller{std::min(size.submissions, ring_size_min.submissions),
                           std::min(size.completions, ring_size_min.completions)};
    if (error == -ENOMEM && smaller.completions < size.completions) {
        error = attempt(smaller);
    }
    return error;
}

}  // namespace sluice
