// Rules: what the compiler cannot check, the shape of the source tree itself.
//
// Each rule is a pure function of one source file, so that a test can plant a violation and see it
// found; tidy_test.cc applies them to the tree.
//
// Source:       README.md, "Rules of the house".

#pragma once

#include <string>
#include <vector>

namespace sluice::tidy {

struct Source {
    std::string path;  // From the top of the tree: "runtime/loop.h".
    std::vector<std::string> lines;
};

// One "path:line: what is wrong" for each violation.
using Violations = std::vector<std::string>;

// http -> runtime <- tls; the umbrella, examples and tests stand above. Never up, never sideways.
Violations layers(const Source& source);

// liburing and epoll are runtime's, OpenSSL is tls's, llhttp is the parser's.
Violations foreign_headers(const Source& source);

// `own_header` is the path of the header with the same stem, empty where there is none.
Violations own_header_first(const Source& source, const std::string& own_header);

// 500 lines, 100 columns.
Violations sizes(const Source& source);

// "#pragma once", and first of all "// Name: what it is."
Violations header_form(const Source& source);

// No `detail` namespace, no notes to self; no `throw` in a layer; no sleep in a test.
Violations words(const Source& source);

// One co_await a statement, alone on the right of `=` or co_return: GCC 12 miscompiles the rest.
Violations awaits(const Source& source);

// Nothing in braces within a co_await: GCC 12 destroys twice an aggregate that is made there.
Violations awaited_temporaries(const Source& source);

}  // namespace sluice::tidy
