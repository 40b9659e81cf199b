#include "sluice/tests/support/temporary_directory.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <system_error>

namespace sluice::tests {

namespace {

std::string_view given_base() {
    const char* const base = std::getenv("TEST_TMPDIR");
    return base != nullptr ? base : "/tmp";
}

}  // namespace

TemporaryDirectory::TemporaryDirectory() : TemporaryDirectory(given_base()) {}

TemporaryDirectory::TemporaryDirectory(std::string_view base)
    : path_(std::string(base) + "/sluice-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) {
        throw std::system_error(errno, std::system_category(), path_);
    }
}

TemporaryDirectory::~TemporaryDirectory() {
    std::filesystem::remove_all(path_);
}

std::string TemporaryDirectory::path(std::string_view name) const {
    return std::string(path_).append("/").append(name);
}

void TemporaryDirectory::write(std::string_view name, std::string_view content) const {
    std::ofstream(path(name), std::ios::binary) << content;
}

std::string TemporaryDirectory::read(std::string_view name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

std::set<std::string> TemporaryDirectory::names() const {
    std::set<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
        found.insert(entry.path().filename());
    }
    return found;
}

}  // namespace sluice::tests
