"""What asyncio is built from. A repository that was declared before the call stays as it is."""

load("@bazel_tools//tools/build_defs/repo:http.bzl", "http_archive")
load("@bazel_tools//tools/build_defs/repo:utils.bzl", "maybe")

def asyncio_dependencies():
    """Declares every dependency; Bazel fetches only those that the built targets need."""
    maybe(
        http_archive,
        name = "com_google_absl",
        sha256 = "91ac87d30cc6d79f9ab974c51874a704de9c2647c40f6932597329a282217ba8",
        strip_prefix = "abseil-cpp-20220623.1",
        urls = ["https://github.com/abseil/abseil-cpp/archive/refs/tags/20220623.1.tar.gz"],
    )

    # TLS in transports. Upstream publishes no archive with this checksum: it is the release Android
    # 13 ships, and the folder that `bazelw` fills supplies it by its file name. A consumer who
    # needs TLS declares its own @boringssl before this call.
    maybe(
        http_archive,
        name = "boringssl",
        sha256 = "583b7aeee1fca68b8244d086cea6fca23bd19d517bd63f0b9de714e048f92a7d",
        strip_prefix = "android-platform-external-boringssl-13.0.0+r24",
        urls = ["https://android.googlesource.com/platform/external/boringssl/android-platform-external-boringssl_13.0.0+r24.orig.tar.xz"],
    )

    # Tests and benchmarks only.
    maybe(
        http_archive,
        name = "com_google_googletest",
        sha256 = "81964fe578e9bd7c94dfdb09c8e4d6e6759e19967e397dbea48d1c10e45d0df2",
        strip_prefix = "googletest-release-1.12.1",
        urls = ["https://github.com/google/googletest/archive/refs/tags/release-1.12.1.tar.gz"],
    )
    maybe(
        http_archive,
        name = "com_github_google_benchmark",
        sha256 = "6430e4092653380d9dc4ccb45a1e2dc9259d581f4866dc0759713126056bc1d7",
        strip_prefix = "benchmark-1.7.1",
        urls = ["https://github.com/google/benchmark/archive/refs/tags/v1.7.1.tar.gz"],
    )
