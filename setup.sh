#!/bin/bash
# Prepares a Debian or Ubuntu machine to build and test Sluice. Safe to run again: what is there stays.
#
#   ./setup.sh          the compiler, Bazel, the libraries, and the peers that the tests talk to
#   ./setup.sh --ci     also Clang 19 with its formatter and linter, as .ci/run needs them
#   ./setup.sh --bench  also Boost.Asio and libuv, which //tests/bench:costs measures beside us
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

for_ci=false
for_bench=false
for argument in "$@"; do
    case "$argument" in
        --ci) for_ci=true ;;
        --bench) for_bench=true ;;
        *)
            echo "usage: ./setup.sh [--ci] [--bench]" >&2
            exit 2
            ;;
    esac
done

say() { echo "setup: $*"; }

as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    else
        sudo "$@"
    fi
}

available() { apt-cache show "$1" >/dev/null 2>&1; }

installed() { [[ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]; }

install_packages() {
    local wanted=(g++ pkg-config liburing-dev libssl-dev catch2 curl haproxy nginx-light openssl python3)
    if ! command -v bazel >/dev/null && ! command -v bazelisk >/dev/null; then
        wanted+=(bazel-bootstrap)
    fi
    # Another Bazel brings its own rules, or fetches them.
    if ! command -v bazel >/dev/null || installed bazel-bootstrap; then
        wanted+=(bazel-platforms bazel-rules-java bazel-rules-proto)
    fi
    if ! pkg-config --exists libllhttp 2>/dev/null; then
        wanted+=(llhttp)
    fi
    if $for_ci; then
        wanted+=(clang-19 clang-format-19 clang-tidy-19 libclang-rt-19-dev lld-19)
    fi
    if $for_bench; then
        wanted+=(libboost1.81-dev libuv1-dev)
    fi

    local missing=()
    for package in "${wanted[@]}"; do
        if [[ $package == llhttp ]]; then
            installed node-llhttp || installed libllhttp-dev || missing+=(llhttp)
        elif ! installed "$package"; then
            missing+=("$package")
        fi
    done
    if [[ ${#missing[@]} -eq 0 ]]; then
        say "every package is there"
        return
    fi

    say "refreshing the package lists"
    as_root apt-get update -qq
    local names=()
    for package in "${missing[@]}"; do
        if [[ $package != llhttp ]]; then
            names+=("$package")
        elif available libllhttp-dev; then
            names+=(libllhttp-dev)
        else
            names+=(node-llhttp)  # Debian 12: C sources of llhttp 8, compiled by third_party.
        fi
    done
    say "installing ${names[*]}"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Use-Pty=0 "${names[@]}" >/dev/null
}

bazel_is_debians() {
    local bazel
    bazel="$(readlink -f "$(command -v bazel)")" || return 1
    dpkg-query --search "$bazel" 2>/dev/null | grep -q '^bazel-bootstrap'
}

# Debian's Bazel 4.2 asks for repositories that it would have to download. Answer each from Debian's
# packages or from third_party, in a file of this machine alone: .bazelrc imports it if it exists.
answer_debian_bazel() {
    local fragment=.bazelrc.debian
    if ! bazel_is_debians; then
        rm -f "$fragment"
        say "your own Bazel is left as it is"
        return
    fi
    local stubs="$PWD/third_party/bazel_debian"
    cat >"$fragment.new" <<FRAGMENT
# Written by ./setup.sh for Debian's Bazel; run it again after moving this directory.
common --override_repository=platforms=/usr/share/bazel/platforms
common --override_repository=rules_java=/usr/share/bazel/rules/java
common --override_repository=rules_proto=/usr/share/bazel/rules/proto
common --override_repository=rules_cc=$stubs/rules_cc
common --override_repository=remote_coverage_tools=$stubs/coverage_tools
# Debian's build of Bazel has this on, and prints a page for each compilation.
build --nosandbox_debug
# A directory of outputs for each configuration, so that changing between them rebuilds nothing.
build:asan --platform_suffix=asan
build:clang --platform_suffix=clang
build:tsan --platform_suffix=tsan
FRAGMENT
    if cmp -s "$fragment.new" "$fragment"; then
        rm "$fragment.new"
    else
        mv "$fragment.new" "$fragment"
        say "wrote $fragment for Debian's Bazel"
    fi
}

install_packages
answer_debian_bazel
say "ready: bazel run //examples:quickstart, or bazel test //..."
