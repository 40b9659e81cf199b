#include "sluice/runtime/no_suspend.h"

#include <cstdio>
#include <cstdlib>

namespace sluice {

constinit thread_local const NoSuspend* NoSuspend::innermost = nullptr;

void NoSuspend::violated() const noexcept {
    std::fprintf(stderr, "%s:%u: in %s: held over a co_await, while other tasks run\n",
                 where_.file_name(), static_cast<unsigned>(where_.line()), where_.function_name());
    std::abort();
}

}  // namespace sluice
