#!/bin/sh
# Runs a test that is written in Python: the rules for that are not in every Bazel's box.
export PYTHONDONTWRITEBYTECODE=1
exec python3 "$@"
