"""Tests of one topic, compiled as one source.

Most of what a compiler does for a small test is to read Catch2 and the standard library. So
`bazel test //...` has it read them once for all tests of a topic; a file stays a noun, and each can
still be built and run alone, by its own name.
"""

load("@rules_cc//cc:defs.bzl", "cc_library", "cc_test")

# A frame of a coroutine holds what a test keeps in its unnamed namespace: to GCC, which takes an
# included file for a header, a type that other files could see in part.
_PROLOGUE = [
    "#ifndef __clang__",
    "#pragma GCC diagnostic ignored \"-Wsubobject-linkage\"",
    "#endif",
]

def joined_test(name, srcs, deps, tags = [], **attributes):
    """One cc_test of all `srcs`, and for each one of its own that `//...` leaves out.

    Args:
      name: the topic's.
      srcs: x_test.cc, also to be run as :x_test. No two may define the same in their unnamed namespaces.
      deps: of all of them.
      tags: of all of them.
      **attributes: others of cc_test.
    """
    for source in srcs:
        cc_test(
            name = source[:-len(".cc")],
            srcs = [source],
            tags = tags + ["manual"],
            deps = deps,
            **attributes
        )
    cc_library(
        name = name + "_sources",
        testonly = True,
        tags = ["manual"],
        textual_hdrs = srcs,
    )
    lines = _PROLOGUE + ["#include \"{}/{}\"".format(native.package_name(), source) for source in srcs]
    native.genrule(
        name = name + "_source",
        testonly = True,
        outs = [name + ".cc"],
        cmd = "printf '%s\\n' {} > $@".format(" ".join(["'{}'".format(line) for line in lines])),
        tags = ["manual"],
    )
    cc_test(
        name = name,
        srcs = [name + ".cc"],
        tags = tags,
        deps = deps + [":" + name + "_sources"],
        **attributes
    )
