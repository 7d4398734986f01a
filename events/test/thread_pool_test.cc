#include "asyncio/events/thread_pool.h"

#include <atomic>
#include <chrono>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using namespace std::chrono_literals;

TEST(ThreadPoolTest, AJobRunsInAnotherThread) {
  std::thread::id ran_in;
  {
    ThreadPool pool(1);
    pool.submit([&] { ran_in = std::this_thread::get_id(); });
  }
  EXPECT_NE(ran_in, std::thread::id());
  EXPECT_NE(ran_in, std::this_thread::get_id());
}

TEST(ThreadPoolTest, OneWorkerRunsJobsInTheOrderOfSubmission) {
  std::vector<int> order;
  {
    ThreadPool pool(1);
    for (int i = 0; i < 100; ++i) pool.submit([&order, i] { order.push_back(i); });
  }
  ASSERT_EQ(order.size(), 100u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(ThreadPoolTest, AnIdleThreadIsUsedBeforeANewOneIsStarted) {
  std::set<std::thread::id> threads;
  ThreadPool pool(8);
  for (int i = 0; i < 10; ++i) {
    absl::Notification ran;
    pool.submit([&] {
      threads.insert(std::this_thread::get_id());
      ran.Notify();
    });
    ran.WaitForNotification();
    while (!pool.running_jobs().empty()) std::this_thread::yield();
  }
  EXPECT_LE(threads.size(), 2u);  // a thread that has ended its job may not have lain down yet
}

TEST(ThreadPoolTest, JobsRunAtTheSameTimeOnAsManyThreadsAsAllowed) {
  ThreadPool pool(3);
  absl::Mutex mutex;
  int running = 0;
  for (int i = 0; i < 3; ++i) {
    pool.submit([&] {
      absl::MutexLock lock(&mutex);
      ++running;
      mutex.Await(absl::Condition(+[](int* n) { return *n == 3; }, &running));
    });
  }
  pool.shutdown();
  EXPECT_TRUE(pool.wait(10s));
}

TEST(ThreadPoolTest, SubmittingAfterShutdownIsAnErrorAndWhatWasSubmittedStillRuns) {
  std::atomic<int> ran{0};
  ThreadPool pool(1);
  for (int i = 0; i < 10; ++i) pool.submit([&] { ++ran; });
  pool.shutdown();
  EXPECT_THROW(pool.submit([] {}), std::runtime_error);
  EXPECT_TRUE(pool.wait(10s));
  EXPECT_EQ(ran, 10);
}

TEST(ThreadPoolTest, AJobThatHangsIsNamedByThePlaceThatSubmittedIt) {
  absl::Notification begun, released;
  ThreadPool pool(1);
  const int line = __LINE__ + 1;
  pool.submit([&] {
    begun.Notify();
    released.WaitForNotification();
  });
  begun.WaitForNotification();
  pool.shutdown();
  EXPECT_FALSE(pool.wait(1ms));
  const std::vector<std::string> jobs = pool.running_jobs();
  ASSERT_EQ(jobs.size(), 1u);
  EXPECT_NE(jobs[0].find("thread_pool_test.cc"), std::string::npos) << jobs[0];
  const int named = std::stoi(jobs[0].substr(jobs[0].rfind(':') + 1));
  EXPECT_GE(named, line);
  EXPECT_LE(named, line + 3);
  released.Notify();
  EXPECT_TRUE(pool.wait(10s));
}

TEST(ThreadPoolTest, ADetachedPoolIsNotWaitedFor) {
  absl::Notification begun;
  auto released = std::make_shared<absl::Notification>();
  auto ended = std::make_shared<absl::Notification>();
  {
    ThreadPool pool(1);
    pool.submit([&begun, released, ended] {
      begun.Notify();
      released->WaitForNotification();
      ended->Notify();
    });
    begun.WaitForNotification();
    pool.shutdown();
    pool.detach();
  }
  released->Notify();
  ended->WaitForNotification();
}

TEST(ThreadPoolTest, APoolWithoutThreadsIsRefused) {
  EXPECT_THROW(ThreadPool(0), std::invalid_argument);
}

TEST(ThreadPoolTest, TheDefaultIsAFewMoreThanProcessorsAndThirtyTwoAtMost) {
  EXPECT_GE(ThreadPool::default_max_workers(), 4u);
  EXPECT_LE(ThreadPool::default_max_workers(), 32u);
}

}  // namespace
}  // namespace asyncio
