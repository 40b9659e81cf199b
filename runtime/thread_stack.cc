#include "sluice/runtime/thread_stack.h"

#include "sluice/runtime/function_name.h"

#include <execinfo.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>

namespace sluice {

namespace {

constexpr int stack_signal = SIGURG;
constexpr std::size_t depth_max = 64;

enum class Capture : std::uint8_t { none, wanted, running, done };

// Lock-free, since a signal handler writes it.
std::atomic<Capture> state{Capture::none};
std::array<void*, depth_max> addresses;
int depth = 0;
void* interrupted_at = nullptr;

void* address_in(const void* context) noexcept {
    const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
    return reinterpret_cast<void*>(machine.gregs[REG_RIP]);
#elif defined(__aarch64__)
    return reinterpret_cast<void*>(machine.pc);
#else
    static_cast<void>(machine);
    return nullptr;
#endif
}

void capture(int, siginfo_t*, void* context) {
    const int error = errno;
    Capture expected = Capture::wanted;
    if (state.compare_exchange_strong(expected, Capture::running, std::memory_order_acquire)) {
        depth = ::backtrace(addresses.data(), static_cast<int>(addresses.size()));
        interrupted_at = address_in(context);
        state.store(Capture::done, std::memory_order_release);
    }
    errno = error;
}

void install() {
    std::array<void*, 1> first{};
    ::backtrace(first.data(), 1);  // It loads a library, which no handler may.
    struct sigaction action{};
    action.sa_sigaction = capture;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(stack_signal, &action, nullptr);
}

ThreadStack named() {
    const auto end = addresses.begin() + depth;
    // Before it comes what the signal itself put on the stack.
    auto at = std::find(addresses.begin(), end, interrupted_at);
    ThreadStack stack;
    for (at = at == end ? addresses.begin() : at; at != end; ++at) {
        // A return address may be the first after the call's function; the innermost is none.
        const auto* const address = static_cast<const std::byte*>(*at);
        FunctionName function = function_name(address - (*at == interrupted_at ? 0 : 1));
        if (function.is_coroutine && stack.task.empty()) {
            stack.task = function.name;
        }
        stack.functions.push_back(std::move(function.name));
    }
    return stack;
}

}  // namespace

ThreadStack stack_of_thread(int thread, Duration patience) {
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    static const bool installed = (install(), true);
    static_cast<void>(installed);

    state.store(Capture::wanted, std::memory_order_release);
    const bool exists = ::syscall(SYS_tgkill, ::getpid(), thread, stack_signal) == 0;
    const auto give_up = std::chrono::steady_clock::now() + patience;
    while (exists && state.load(std::memory_order_acquire) != Capture::done &&
           std::chrono::steady_clock::now() < give_up) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    Capture expected = Capture::wanted;
    if (state.compare_exchange_strong(expected, Capture::none)) {
        return {};
    }
    while (state.load(std::memory_order_acquire) != Capture::done) {
        std::this_thread::yield();  // It has begun.
    }
    state.store(Capture::none);
    return named();
}

}  // namespace sluice
