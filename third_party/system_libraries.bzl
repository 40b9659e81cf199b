"""Repositories for libraries that the system already has, found by pkg-config or by path.

Headers outside the compiler's own directories are linked into the repository and offered with
-isystem, so that their warnings are not ours.
"""

_BUILD = """\
load("@rules_cc//cc:defs.bzl", "cc_library")

package(default_visibility = ["//visibility:public"])
"""

_LIBRARY = """
cc_library(
    name = "{name}",
    srcs = glob(["{name}/src/*.c"], allow_empty = True),
    hdrs = glob(["{name}/include/**"], allow_empty = True),
    copts = ["-w"],
    defines = {defines},
    includes = {includes},
    linkopts = {linkopts},
)
"""

# A linker may leave out a library that the program's own objects do not call. Where Sluice's libraries
# are shared objects, as Bazel links tests by default, none of those does: the calls are theirs. So one
# more shared object calls it, and has it loaded. Linked statically, this is an archive that nobody opens.
_LOADER = """\
extern void {declarations};
void (*const sluice_loads_{name}[])(void) = {{{functions}}};
"""

# Directories that every compiler searches by itself.
_SEARCHED = ["/usr/include", "/usr/local/include"]

def _pkg_config(context, modules):
    """The flags of pkg-config modules, separated by spaces, or None where one is unknown."""
    tool = context.which("pkg-config")
    if not tool:
        return None
    result = context.execute([tool, "--cflags", "--libs"] + modules.split(" "))
    if result.return_code != 0:
        return None
    return [flag for flag in result.stdout.strip().split(" ") if flag]

def _link_directory(context, source, target):
    for entry in context.path(source).readdir():
        context.symlink(entry, target + "/" + entry.basename)

def _library_of_flags(context, name, flags, only_if_called = ""):
    """The cc_library of pkg-config's flags; `only_if_called`: functions by which that is told."""
    linkopts = []
    defines = []
    includes = []
    for flag in flags:
        if flag.startswith("-D"):
            defines.append(flag[2:])
        elif flag.startswith("-I"):
            directory = flag[2:]
            if directory not in _SEARCHED and context.path(directory).exists:
                link = "{}/include/{}".format(name, len(includes))
                _link_directory(context, directory, link)
                includes.append(link)
        elif flag.startswith("-l") or flag.startswith("-L") or flag == "-pthread":
            linkopts.append(flag)
    if only_if_called:
        linkopts = ["-Wl,--push-state,--as-needed"] + linkopts + ["-Wl,--pop-state"]
        functions = only_if_called.split(" ")
        context.file("{0}/src/{0}.c".format(name), _LOADER.format(
            name = name,
            declarations = ", ".join([function + "(void)" for function in functions]),
            functions = ", ".join(functions),
        ))
    return _LIBRARY.format(
        name = name,
        defines = repr(defines),
        includes = repr(includes),
        linkopts = repr(linkopts),
    )

def _missing(context, what):
    fail("{} is not installed: {}. ./setup.sh installs it on Debian and Ubuntu.".format(
        context.name,
        what,
    ))

def _system_library_impl(context):
    build = _BUILD
    for name, modules in context.attr.libraries.items():
        flags = _pkg_config(context, modules)
        if flags == None:
            _missing(context, "pkg-config does not know " + modules)
        only_if_called = context.attr.only_if_called.get(name, "")
        build += _library_of_flags(context, name, flags, only_if_called)
    context.file("BUILD.bazel", build)

system_library = repository_rule(
    implementation = _system_library_impl,
    attrs = {
        "libraries": attr.string_dict(doc = "The name of each cc_library, and its pkg-config modules."),
        "only_if_called": attr.string_dict(doc = "Of those that a program which calls nothing of them " +
                                                 "does not load: a function of each module."),
    },
    environ = ["PKG_CONFIG_PATH"],
    local = True,
)

# Where Debian 12 (node-llhttp) keeps llhttp 8 as C sources, which every user compiles for himself.
_LLHTTP_HEADER = "/usr/share/include/llhttp/llhttp.h"
_LLHTTP_SOURCES = "/usr/share/llhttp"

def _llhttp_impl(context):
    flags = _pkg_config(context, "libllhttp")
    if flags != None:
        context.file("BUILD.bazel", _BUILD + _library_of_flags(context, "llhttp", flags))
        return
    if not context.path(_LLHTTP_HEADER).exists:
        _missing(context, "neither pkg-config's libllhttp nor node-llhttp's sources are there")
    context.symlink(_LLHTTP_HEADER, "llhttp/include/llhttp.h")
    for entry in context.path(_LLHTTP_SOURCES).readdir():
        if entry.basename.endswith(".c"):
            context.symlink(entry, "llhttp/src/" + entry.basename)

    # llhttp 8 takes what RFC 9112 forbids ("A b: c") unless its sources and every reader of its
    # header are compiled strict. From 9 on strict is the default and the macro is not read.
    context.file("BUILD.bazel", _BUILD + _LIBRARY.format(
        name = "llhttp",
        defines = repr(["LLHTTP_STRICT_MODE=1"]),
        includes = repr(["llhttp/include"]),
        linkopts = repr([]),
    ))

llhttp_library = repository_rule(
    implementation = _llhttp_impl,
    environ = ["PKG_CONFIG_PATH"],
    local = True,
)

def _catch2_impl(context):
    # Version 3 has a pkg-config module for its main(); version 2 has a library without one.
    flags = _pkg_config(context, "catch2-with-main")
    if flags == None:
        if not context.path("/usr/include/catch2/catch.hpp").exists:
            _missing(context, "neither catch2-with-main nor <catch2/catch.hpp> is there")
        flags = ["-lCatch2WithMain"]
    context.file("BUILD.bazel", _BUILD + _library_of_flags(context, "main", flags))

catch2_library = repository_rule(
    implementation = _catch2_impl,
    environ = ["PKG_CONFIG_PATH"],
    local = True,
)

def sluice_system_libraries():
    """Every system library that Sluice uses, as repositories of a WORKSPACE."""
    catch2_library(name = "catch2")
    llhttp_library(name = "llhttp")
    system_library(name = "liburing", libraries = {"liburing": "liburing"})
    system_library(
        name = "openssl",
        libraries = {"ssl": "libssl libcrypto"},
        only_if_called = {"ssl": "OPENSSL_init_ssl OPENSSL_init_crypto"},
    )
