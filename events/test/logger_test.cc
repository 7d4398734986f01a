#include "asyncio/events/logger.h"

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "events/test/captured_log.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(LoggerTest, TheSinkReceivesEveryRecordWithItsSeverity) {
  CapturedLog captured;
  log(LogSeverity::kDebug, "a");
  log(LogSeverity::kInfo, "b");
  log(LogSeverity::kWarning, "c");
  log(LogSeverity::kError, "d\ne");
  EXPECT_THAT(captured.severities, ElementsAre(LogSeverity::kDebug, LogSeverity::kInfo,
                                               LogSeverity::kWarning, LogSeverity::kError));
  EXPECT_THAT(captured.messages, ElementsAre("a", "b", "c", "d\ne"));
}

TEST(LoggerTest, ReplacingTheSinkReturnsTheOneItReplaces) {
  std::vector<std::string> first, second;
  LogSink original =
      set_log_sink([&](LogSeverity, std::string_view text) { first.emplace_back(text); });
  LogSink replaced =
      set_log_sink([&](LogSeverity, std::string_view text) { second.emplace_back(text); });
  log(LogSeverity::kError, "to the second");
  set_log_sink(std::move(replaced));
  log(LogSeverity::kError, "to the first");
  set_log_sink(std::move(original));
  EXPECT_THAT(first, ElementsAre("to the first"));
  EXPECT_THAT(second, ElementsAre("to the second"));
}

TEST(LoggerTest, WithoutASinkWarningsAndErrorsGoToStandardError) {
  const LogSink replaced = set_log_sink(nullptr);
  EXPECT_EQ(replaced, nullptr);
  ::testing::internal::CaptureStderr();
  log(LogSeverity::kDebug, "quiet");
  log(LogSeverity::kInfo, "quiet");
  log(LogSeverity::kWarning, "careful");
  log(LogSeverity::kError, "broken");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "asyncio: WARNING: careful\nasyncio: ERROR: broken\n");
}

TEST(LoggerTest, NullRestoresTheDefault) {
  LogSink original = set_log_sink([](LogSeverity, std::string_view) { FAIL(); });
  set_log_sink(nullptr);
  ::testing::internal::CaptureStderr();
  log(LogSeverity::kError, "broken");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "asyncio: ERROR: broken\n");
  set_log_sink(std::move(original));
}

TEST(LoggerTest, WhatTheSinkThrowsIsDropped) {
  LogSink original =
      set_log_sink([](LogSeverity, std::string_view) { throw std::runtime_error("full"); });
  log(LogSeverity::kError, "lost");
  set_log_sink(std::move(original));
  CapturedLog captured;
  log(LogSeverity::kError, "heard");
  EXPECT_THAT(captured.messages, ElementsAre("heard"));
}

// The sink is not synchronised: TSan would see two records at a time.
TEST(LoggerTest, ThreadsTakeTurns) {
  CapturedLog captured;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 500; ++i) log(LogSeverity::kInfo, "x");
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(captured.messages.size(), 2000U);
}

}  // namespace
}  // namespace asyncio
