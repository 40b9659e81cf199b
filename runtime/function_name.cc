#include "sluice/runtime/function_name.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string_view>
#include <vector>

namespace sluice {

namespace {

struct Symbol {
    std::uintptr_t begin;
    std::uintptr_t end;
    const char* name;
};

template <typename T>
bool read_at(const std::vector<char>& image, std::size_t offset, T& into) {
    if (offset > image.size() || image.size() - offset < sizeof into) {
        return false;
    }
    std::memcpy(&into, image.data() + offset, sizeof into);
    return true;
}

// The functions of this program.
class Symbols {
public:
    Symbols() {
        std::ifstream file("/proc/self/exe", std::ios::binary);
        image_.assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
        dl_iterate_phdr(
            [](dl_phdr_info* info, std::size_t, void* base) {
                *static_cast<std::uintptr_t*>(base) = info->dlpi_addr;
                return 1;  // The program is the first.
            },
            &base_);
        ElfW(Ehdr) head;
        if (!read_at(image_, 0, head) || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0) {
            return;
        }
        for (std::size_t index = 0; index < head.e_shnum; ++index) {
            ElfW(Shdr) section;
            ElfW(Shdr) names;
            if (read_at(image_, head.e_shoff + index * sizeof section, section) &&
                section.sh_type == SHT_SYMTAB &&
                read_at(image_, head.e_shoff + section.sh_link * sizeof names, names)) {
                read(section, names);
            }
        }
        std::sort(symbols_.begin(), symbols_.end(),
                  [](const Symbol& one, const Symbol& other) { return one.begin < other.begin; });
    }

    [[nodiscard]] const char* at(std::uintptr_t address) const {
        const auto after = std::upper_bound(
            symbols_.begin(), symbols_.end(), address,
            [](std::uintptr_t wanted, const Symbol& symbol) { return wanted < symbol.begin; });
        if (after == symbols_.begin() || address >= std::prev(after)->end) {
            return nullptr;
        }
        return std::prev(after)->name;
    }

private:
    void read(const ElfW(Shdr) & section, const ElfW(Shdr) & names) {
        ElfW(Sym) symbol;
        for (std::size_t at = 0; at + sizeof symbol <= section.sh_size; at += sizeof symbol) {
            const bool whole = read_at(image_, section.sh_offset + at, symbol);
            const std::size_t name = names.sh_offset + symbol.st_name;
            if (!whole || ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_size == 0 ||
                name >= image_.size()) {
                continue;
            }
            const std::uintptr_t begin = base_ + symbol.st_value;
            symbols_.push_back({begin, begin + symbol.st_size, image_.data() + name});
        }
    }

    std::uintptr_t base_ = 0;
    std::vector<char> image_;  // Its names are pointed to.
    std::vector<Symbol> symbols_;
};

std::string demangled(const char* name) {
    // What the compiler appended says which part it is, and is not part of the name.
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> text(
        abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
    return text ? text.get() : name;
}

// Without parameters, tags of a library's version, and the type that a template's instance yields.
std::string shortened(std::string text) {
    constexpr std::string_view tag = "[abi:";
    for (std::size_t at = 0; (at = text.find(tag)) != std::string::npos;) {
        text.erase(at, text.find(']', at) + 1 - at);
    }
    constexpr std::string_view unnamed = "(anonymous namespace)::";
    for (std::size_t at = 0; (at = text.find(unnamed)) != std::string::npos;) {
        text.erase(at, unnamed.size());
    }
    int depth = 0;
    std::size_t begin = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char octet = text[at];
        if (octet == '(' && depth == 0 && at > begin) {
            return text.substr(begin, at - begin);
        }
        depth += octet == '<' || octet == '(' ? 1 : 0;
        depth -= octet == '>' || octet == ')' ? 1 : 0;
        begin = octet == ' ' && depth == 0 ? at + 1 : begin;
    }
    return text;
}

}  // namespace

FunctionName function_name(const void* address) {
    static const Symbols symbols;
    const auto number = reinterpret_cast<std::uintptr_t>(address);
    const char* mangled = symbols.at(number);
    Dl_info info{};
    if (mangled == nullptr && dladdr(address, &info) != 0) {
        mangled = info.dli_sname;
    }
    if (mangled == nullptr) {
        char text[32];
        std::snprintf(text, sizeof text, "0x%zx", static_cast<std::size_t>(number));
        return {text};
    }
    const std::string_view whole = mangled;
    const bool is_coroutine = whole.find(".actor") != std::string_view::npos ||
                              whole.find(".resume") != std::string_view::npos;
    return {shortened(demangled(mangled)), is_coroutine};
}

// The second word of a frame is the function that destroys it, also once it has ended.
std::string coroutine_name(std::coroutine_handle<> frame) {
    const void* const destroys = static_cast<const void* const*>(frame.address())[1];
    return function_name(destroys).name;
}

}  // namespace sluice
