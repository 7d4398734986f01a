"""What is not for sanitizers."""

# As target_compatible_with: leaves a target, and what depends on it, out of --config=asan and
# --config=tsan.
NO_SANITIZER = select({
    "//tools:asan": ["@platforms//:incompatible"],
    "//tools:tsan": ["@platforms//:incompatible"],
    "//conditions:default": [],
})
