// TemporaryDirectory: an empty directory of the real file system, gone at the end of the test.

#pragma once

#include <set>
#include <string>
#include <string_view>

namespace sluice::tests {

class TemporaryDirectory {
public:
    TemporaryDirectory();
    // For the path of a Unix socket, which must be short.
    explicit TemporaryDirectory(std::string_view base);
    TemporaryDirectory(TemporaryDirectory&&) = delete;
    ~TemporaryDirectory();

    [[nodiscard]] std::string path(std::string_view name) const;
    void write(std::string_view name, std::string_view content) const;
    [[nodiscard]] std::string read(std::string_view name) const;
    [[nodiscard]] std::set<std::string> names() const;

private:
    std::string path_;
};

}  // namespace sluice::tests
