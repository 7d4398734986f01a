// Each dependency that deps.bzl declares is found under its upstream label, links, and does what
// its name says.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "benchmark/benchmark.h"
#include "gtest/gtest.h"
#include "openssl/base.h"
#include "openssl/sha.h"
#include "openssl/ssl.h"

namespace {

TEST(Abseil, StringsMapsAndCallables) {
  absl::flat_hash_map<std::string, int> map;
  map[absl::StrCat("a", 1)] = 2;
  EXPECT_EQ(map.at("a1"), 2);
  absl::AnyInvocable<int()> call = [] { return 3; };
  EXPECT_EQ(call(), 3);
  EXPECT_EQ(absl::ToInt64Milliseconds(absl::Seconds(1)), 1000);
}

TEST(Abseil, StringViewIsTheStandardOne) {
  static_assert(std::is_same_v<absl::string_view, std::string_view>);
}

TEST(Abseil, MutexWakesAWaitingThread) {
  absl::Mutex mutex;
  bool ready = false;
  std::thread setter([&] {
    absl::MutexLock lock(&mutex);
    ready = true;
  });
  {
    absl::MutexLock lock(&mutex);
    mutex.Await(absl::Condition(&ready));
  }
  setter.join();
}

TEST(BoringSsl, Sha256OfAbc) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest;
  const std::string_view text = "abc";
  SHA256(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(), digest.data());
  EXPECT_EQ(absl::BytesToHexString({reinterpret_cast<const char*>(digest.data()), digest.size()}),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(BoringSsl, MakesATlsContext) {
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  ASSERT_NE(context, nullptr);
  EXPECT_EQ(SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION), 1);
}

TEST(Benchmark, ReadsItsClock) {
  std::int64_t count = 0;
  benchmark::RegisterBenchmark("count", [&](benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(++count);
  })->Iterations(10);
  EXPECT_EQ(benchmark::RunSpecifiedBenchmarks(), 1u);
  EXPECT_EQ(count, 10);
}

}  // namespace
