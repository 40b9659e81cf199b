// said_while(): what is written to standard error meanwhile.

#pragma once

#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

namespace sluice::tests {

template <typename Act>
std::string said_while(Act act) {
    std::FILE* const file = std::tmpfile();
    const int before = ::dup(STDERR_FILENO);
    ::dup2(::fileno(file), STDERR_FILENO);
    act();
    ::dup2(before, STDERR_FILENO);
    ::close(before);
    std::rewind(file);
    std::string said;
    std::array<char, 4096> piece{};
    while (std::fgets(piece.data(), piece.size(), file) != nullptr) {
        said += piece.data();
    }
    std::fclose(file);
    return said;
}

}  // namespace sluice::tests
