// TemporaryDirectory: an empty directory of the real file system, gone at the end of the test.

#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <set>
#include <string>
#include <string_view>

namespace sluice::tests {

class TemporaryDirectory {
public:
    TemporaryDirectory() {
        const char* const base = std::getenv("TEST_TMPDIR");
        make_in(base != nullptr ? base : "/tmp");
    }
    // For the path of a Unix socket, which must be short.
    explicit TemporaryDirectory(std::string_view base) { make_in(base); }
    TemporaryDirectory(TemporaryDirectory&&) = delete;
    ~TemporaryDirectory() { std::filesystem::remove_all(path_); }

    [[nodiscard]] std::string path(std::string_view name) const {
        return path_.string().append("/").append(name);
    }

    void write(std::string_view name, std::string_view content) const {
        std::ofstream(path(name), std::ios::binary) << content;
    }

    [[nodiscard]] std::string read(std::string_view name) const {
        std::ifstream file(path(name), std::ios::binary);
        return {std::istreambuf_iterator<char>(file), {}};
    }

    [[nodiscard]] std::set<std::string> names() const {
        std::set<std::string> found;
        for (const auto& entry : std::filesystem::directory_iterator(path_)) {
            found.insert(entry.path().filename());
        }
        return found;
    }

private:
    void make_in(std::string_view base) {
        std::string pattern = std::string(base) + "/sluice-XXXXXX";
        path_ = ::mkdtemp(pattern.data());
    }

    std::filesystem::path path_;
};

}  // namespace sluice::tests
