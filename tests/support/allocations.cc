#include "sluice/tests/support/allocations.h"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace {

std::uint64_t counted = 0;

}  // namespace

void* operator new(std::size_t octets) {
    ++counted;
    if (void* const memory = std::malloc(octets)) {
        return memory;
    }
    throw std::bad_alloc();
}

void* operator new(std::size_t octets, const std::nothrow_t&) noexcept {
    ++counted;
    return std::malloc(octets);
}

void* operator new(std::size_t octets, std::align_val_t alignment) {
    ++counted;
    const auto multiple = static_cast<std::size_t>(alignment);
    if (void* const memory = std::aligned_alloc(multiple, octets + (-octets % multiple))) {
        return memory;
    }
    throw std::bad_alloc();
}

void operator delete(void* memory) noexcept {
    std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

void operator delete(void* memory, std::align_val_t) noexcept {
    std::free(memory);
}

void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    std::free(memory);
}

namespace sluice::tests {

std::uint64_t allocations() noexcept {
    return counted;
}

}  // namespace sluice::tests
