#include "sluice/examples/command_line.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <system_error>
#include <tuple>
#include <utility>

namespace sluice::examples {

namespace {

template <typename T>
bool read_whole(std::string_view text, T& value) {
    const char* const end = text.data() + text.size();
    const std::from_chars_result result = std::from_chars(text.data(), end, value);
    return result.ec == std::errc{} && result.ptr == end;
}

bool read_octets(std::string_view text, std::uint64_t& value) {
    int bits = 0;
    switch (text.empty() ? '\0' : text.back()) {
        case 'k':
        case 'K': bits = 10; break;
        case 'M': bits = 20; break;
        case 'G': bits = 30; break;
        default: break;
    }
    text.remove_suffix(bits == 0 ? 0 : 1);
    std::uint64_t number = 0;
    if (!read_whole(text, number) || number > std::numeric_limits<std::uint64_t>::max() >> bits) {
        return false;
    }
    value = number << bits;
    return true;
}

bool read_seconds(std::string_view text, Duration& value) {
    constexpr double seconds_max = 1e9;
    double seconds = 0;
    if (!read_whole(text, seconds) || !(seconds >= 0 && seconds <= seconds_max)) {
        return false;
    }
    value = Duration(std::llround(seconds * 1e9));
    return true;
}

Result<void> understood(bool is_understood) {
    return is_understood ? Result<void>() : failure(Errc::invalid, Phase::none);
}

std::string reason_of(const Error& error) {
    return error.os_errno == ENAMETOOLONG
               ? ": the name of a Unix socket has " +
                     std::to_string(Endpoint::unix_name_octets_max) + " octets at most"
               : "";
}

}  // namespace

CommandLine::CommandLine(std::string program, std::string purpose)
    : program_(std::move(program)), purpose_(std::move(purpose)) {}

void CommandLine::add(std::string name, std::string what, std::string help, Take take) {
    options_.push_back({std::move(name), std::move(what), std::move(help), std::move(take)});
}

void CommandLine::option(std::string name, std::string what, Take take, std::string help) {
    add(std::move(name), std::move(what), std::move(help), std::move(take));
}

void CommandLine::flag(std::string name, bool& given, std::string help) {
    add(std::move(name), {}, std::move(help), [&given](std::string_view) {
        given = true;
        return Result<void>();
    });
}

void CommandLine::option(std::string name, std::string what, std::string& value, std::string help) {
    add(std::move(name), std::move(what), std::move(help), [&value](std::string_view text) {
        value = text;
        return Result<void>();
    });
}

void CommandLine::option(std::string name, std::string what, std::vector<std::string>& values,
                         std::string help) {
    add(std::move(name), std::move(what), std::move(help), [&values](std::string_view text) {
        values.emplace_back(text);
        return Result<void>();
    });
}

void CommandLine::option(std::string name, std::string what, Endpoint& value, std::string help) {
    add(std::move(name), std::move(what), std::move(help),
        [&value](std::string_view text) { return keep(Endpoint::parse(text), value); });
}

void CommandLine::option(std::string name, std::string what, BackendKind& value, std::string help) {
    add(std::move(name), std::move(what), std::move(help),
        [&value](std::string_view text) { return keep(parse_backend_kind(text), value); });
}

void CommandLine::option(std::string name, std::string what, unsigned& value, std::string help) {
    add(std::move(name), std::move(what), std::move(help),
        [&value](std::string_view text) { return understood(read_whole(text, value)); });
}

void CommandLine::option(std::string name, std::string what, std::uint64_t& value,
                         std::string help) {
    add(std::move(name), std::move(what), std::move(help),
        [&value](std::string_view text) { return understood(read_octets(text, value)); });
}

void CommandLine::option(std::string name, std::string what, Duration& value, std::string help) {
    add(std::move(name), std::move(what), std::move(help),
        [&value](std::string_view text) { return understood(read_seconds(text, value)); });
}

void CommandLine::not_yet(std::string name, std::string what) {
    add(std::move(name), std::move(what), "not in this build yet", nullptr);
    options_.back().not_yet = true;
}

void CommandLine::operand(std::string what, std::string& value, std::string help) {
    operands_.push_back({std::move(what), std::move(help), &value, true});
}

void CommandLine::optional_operand(std::string what, std::string& value, std::string help) {
    operands_.push_back({std::move(what), std::move(help), &value, false});
}

std::optional<int> CommandLine::parse(int count, const char* const* arguments) {
    bool only_operands = false;
    for (int index = 1; index < count; ++index) {
        const std::string_view argument(arguments[index]);
        if (argument == "--help" && !only_operands) {
            explain();
            return 0;
        }
        if (argument == "--" && !only_operands) {
            only_operands = true;
        } else if (argument.starts_with("-") && argument != "-" && !only_operands) {
            const char* const next = index + 1 < count ? arguments[index + 1] : nullptr;
            const std::optional<int> used = take_option(argument, next);
            if (!used) {
                return 2;
            }
            index += *used;
        } else if (!take_operand(argument)) {
            return 2;
        }
    }
    if (operands_given_ < operands_.size() && operands_[operands_given_].required) {
        return complain(operands_[operands_given_].what + " is missing");
    }
    return std::nullopt;
}

std::optional<int> CommandLine::take_option(std::string_view argument, const char* next) {
    const std::size_t equals = argument.find('=');
    const std::string name(argument.substr(0, equals));
    const Option* const option = find(name);
    if (option == nullptr) {
        complain("unknown option " + name);
        return std::nullopt;
    }
    if (option->not_yet) {
        complain(name + " is not in this build yet");
        return std::nullopt;
    }
    const bool has_value = equals != std::string_view::npos;
    if (option->what.empty()) {
        if (has_value) {
            complain(name + " takes no value");
            return std::nullopt;
        }
        std::ignore = option->take({});
        return 0;
    }
    if (!has_value && next == nullptr) {
        complain(name + " wants " + option->what);
        return std::nullopt;
    }
    const std::string_view value = has_value ? argument.substr(equals + 1) : next;
    if (const Result<void> taken = option->take(value); !taken) {
        complain(name + " wants " + option->what + ", not '" + std::string(value) + "'" +
                 reason_of(taken.error()));
        return std::nullopt;
    }
    return has_value ? 0 : 1;
}

bool CommandLine::take_operand(std::string_view argument) {
    if (operands_given_ == operands_.size()) {
        complain("one argument too many: " + std::string(argument));
        return false;
    }
    *operands_[operands_given_++].value = argument;
    return true;
}

const CommandLine::Option* CommandLine::find(std::string_view name) const noexcept {
    const auto found = std::ranges::find(options_, name, &Option::name);
    return found == options_.end() ? nullptr : &*found;
}

int CommandLine::complain(std::string_view what) const {
    std::fprintf(stderr, "%s: %s\n%s\n%s --help tells more.\n", program_.c_str(),
                 std::string(what).c_str(), usage().c_str(), program_.c_str());
    return 2;
}

std::string CommandLine::usage() const {
    std::string text = "usage: " + program_;
    for (const Operand& operand : operands_) {
        text += operand.required ? " " + operand.what : " [" + operand.what + "]";
    }
    return text + (options_.empty() ? "" : " [OPTION]...");
}

void CommandLine::explain() const {
    std::string text = usage() + "\n\n" + purpose_ + "\n\n";
    constexpr std::size_t column = 28;
    const auto add_line = [&text](const std::string& name, const std::string& help) {
        text += "  " + name;
        text.append(name.size() < column ? column - name.size() : 1, ' ');
        text += help + "\n";
    };
    for (const Operand& operand : operands_) {
        add_line(operand.what, operand.help);
    }
    for (const Option& option : options_) {
        add_line(option.what.empty() ? option.name : option.name + " " + option.what, option.help);
    }
    std::fputs(text.c_str(), stdout);
}

}  // namespace sluice::examples
