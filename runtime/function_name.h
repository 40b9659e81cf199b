// function_name(): what the function at an address is called, for people who read a dump.
//
// Reads the symbol table of the program itself, so that functions are named that are not exported
// too, as nearly all are. A coroutine's frame points to parts of its function, and is named so.
//
// Errors:       Without a name, as in a stripped program, the address is yielded.
// Threading:    Any. The table is read at the first call, which takes some milliseconds.
// Source:       elf(5), dl_iterate_phdr(3).

#pragma once

#include <coroutine>
#include <string>

namespace sluice {

struct FunctionName {
    std::string name;           // "sluice::TcpTransport::send", without parameters.
    bool is_coroutine = false;  // A part of one that runs.
};

[[nodiscard]] FunctionName function_name(const void* address);

// Of a frame that exists, suspended or at its end.
[[nodiscard]] std::string coroutine_name(std::coroutine_handle<> frame);

}  // namespace sluice
