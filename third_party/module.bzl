"""The system's libraries for MODULE.bazel. WORKSPACE's Bazels may not know module_extension."""

load("//third_party:system_libraries.bzl", "sluice_system_libraries")

def _system_libraries_impl(_context):
    sluice_system_libraries()

system_libraries = module_extension(implementation = _system_libraries_impl)
