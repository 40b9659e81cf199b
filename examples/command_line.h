// CommandLine: what a program understands on its command line, told once and used twice: to read
// the arguments, and to explain them.
//
//     CommandLine line("object_store", "Keeps objects in a directory and serves them over HTTP.");
//     line.option("--threads", "N", threads, "loops, each on its own thread");
//     if (const std::optional<int> status = line.parse(argc, argv)) {
//         return *status;
//     }
//
// Ownership:    Borrows the variables it fills. What they hold before is the default, and stays
//               where an option is not given.
// Errors:       parse() says on stderr what is wrong.

#pragma once

#include "sluice/runtime/clock.h"
#include "sluice/runtime/endpoint.h"
#include "sluice/runtime/error.h"
#include "sluice/runtime/make_backend.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::examples {

// For an option's `take`: keeps in `value` what was read.
template <typename T>
[[nodiscard]] Result<void> keep(const Result<T>& read, T& value) {
    if (!read) {
        return failed(read);
    }
    value = *read;
    return {};
}

class CommandLine {
public:
    CommandLine(std::string program, std::string purpose);

    void flag(std::string name, bool& given, std::string help);

    // "--name VALUE" or "--name=VALUE".
    void option(std::string name, std::string what, std::string& value, std::string help);
    void option(std::string name, std::string what, std::vector<std::string>& values,
                std::string help);  // May be given several times.
    void option(std::string name, std::string what, Endpoint& value, std::string help);
    void option(std::string name, std::string what, BackendKind& value, std::string help);
    void option(std::string name, std::string what, unsigned& value, std::string help);
    // `take` yields what was wrong, if anything was.
    using Take = std::function<Result<void>(std::string_view)>;
    void option(std::string name, std::string what, Take take, std::string help);
    // Octets: a number, with k, M or G for 2^10, 2^20 and 2^30.
    void option(std::string name, std::string what, std::uint64_t& value, std::string help);
    // Seconds, with a fraction if wanted.
    void option(std::string name, std::string what, Duration& value, std::string help);

    // Known, and refused with a word that says why. `what` is empty for a flag.
    void not_yet(std::string name, std::string what);

    // The arguments without a dash, in this order.
    void operand(std::string what, std::string& value, std::string help);
    void optional_operand(std::string what, std::string& value, std::string help);

    // None: go on. Else how to exit: 0 after --help, 2 for what it does not understand.
    [[nodiscard]] std::optional<int> parse(int count, const char* const* arguments);

    // For what only the program can judge: prints it, points to --help, and yields 2.
    int complain(std::string_view what) const;

private:
    struct Option {
        std::string name;
        std::string what;  // Empty: takes no value.
        std::string help;
        Take take;
        bool not_yet = false;
    };
    struct Operand {
        std::string what;
        std::string help;
        std::string* value;
        bool required;
    };

    void add(std::string name, std::string what, std::string help, Take take);
    [[nodiscard]] const Option* find(std::string_view name) const noexcept;
    // Yields how many further arguments it used, or none after a complaint.
    [[nodiscard]] std::optional<int> take_option(std::string_view argument, const char* next);
    [[nodiscard]] bool take_operand(std::string_view argument);
    [[nodiscard]] std::string usage() const;
    void explain() const;

    std::string program_;
    std::string purpose_;
    std::vector<Option> options_;
    std::vector<Operand> operands_;
    std::size_t operands_given_ = 0;
};

}  // namespace sluice::examples
