#include "asyncio/events/timer_queue.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "asyncio/events/runnable.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

TimePoint at(int ticks) { return TimePoint(std::chrono::nanoseconds(ticks)); }

struct Alarm final : Runnable {
  explicit Alarm(int number) : number(number) {}
  void run() override {}

  int number;
  Timer timer{*this};
};

// The numbers of the alarms that are due before `end`, in order.
std::vector<int> pop_due(TimerQueue& queue, TimePoint end) {
  std::vector<int> numbers;
  while (Runnable* action = queue.pop_due(end)) {
    numbers.push_back(static_cast<Alarm*>(action)->number);
  }
  return numbers;
}

TEST(TimerQueueTest, ANewQueueHasNothingDue) {
  TimerQueue queue;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.size(), 0U);
  EXPECT_EQ(queue.pop_due(TimePoint::max()), nullptr);
  EXPECT_EQ(queue.pop_any(), nullptr);
}

TEST(TimerQueueTest, TimersAreDueByDeadline) {
  TimerQueue queue;
  Alarm a(1), b(2), c(3), d(4);
  queue.schedule(a.timer, at(30));
  queue.schedule(b.timer, at(-10));
  queue.schedule(c.timer, at(20));
  queue.schedule(d.timer, at(10));
  EXPECT_EQ(queue.size(), 4U);
  EXPECT_EQ(queue.next_deadline(), at(-10));
  EXPECT_THAT(pop_due(queue, TimePoint::max()), ElementsAre(2, 4, 3, 1));
  EXPECT_TRUE(queue.empty());
}

TEST(TimerQueueTest, OnlyWhatLiesBeforeTheEndIsDue) {
  TimerQueue queue;
  Alarm a(1), b(2);
  queue.schedule(a.timer, at(10));
  queue.schedule(b.timer, at(11));
  EXPECT_THAT(pop_due(queue, at(10)), IsEmpty());
  EXPECT_THAT(pop_due(queue, at(11)), ElementsAre(1));
  EXPECT_EQ(queue.next_deadline(), at(11));
  EXPECT_THAT(pop_due(queue, at(12)), ElementsAre(2));
}

TEST(TimerQueueTest, TheLatestDeadlineIsNeverDue) {
  TimerQueue queue;
  Alarm never(1);
  queue.schedule(never.timer, TimePoint::max());
  EXPECT_THAT(pop_due(queue, TimePoint::max()), IsEmpty());
  EXPECT_TRUE(never.timer.scheduled());
}

TEST(TimerQueueTest, EqualDeadlinesAreFirstInFirstOut) {
  TimerQueue queue;
  std::vector<std::unique_ptr<Alarm>> alarms;
  std::vector<int> expected;
  for (int i = 0; i < 100; ++i) {
    alarms.push_back(std::make_unique<Alarm>(i));
    queue.schedule(alarms.back()->timer, at(5));
    expected.push_back(i);
  }
  EXPECT_THAT(pop_due(queue, at(6)), ElementsAreArray(expected));
}

TEST(TimerQueueTest, CancellingOneLeavesTheOrderOfItsEqualsAlone) {
  TimerQueue queue;
  std::vector<std::unique_ptr<Alarm>> alarms;
  std::vector<int> expected;
  for (int i = 0; i < 100; ++i) {
    alarms.push_back(std::make_unique<Alarm>(i));
    queue.schedule(alarms.back()->timer, at(5));
    if (i % 3 != 0) expected.push_back(i);
  }
  for (std::size_t i = 0; i < 100; i += 3) alarms[i]->timer.cancel();
  EXPECT_EQ(queue.size(), expected.size());
  EXPECT_THAT(pop_due(queue, at(6)), ElementsAreArray(expected));
}

TEST(TimerQueueTest, ATimerScheduledAgainGoesBehindItsEquals) {
  TimerQueue queue;
  Alarm a(1), b(2);
  queue.schedule(a.timer, at(5));
  queue.schedule(b.timer, at(5));
  a.timer.cancel();
  queue.schedule(a.timer, at(5));
  EXPECT_THAT(pop_due(queue, at(6)), ElementsAre(2, 1));
}

TEST(TimerQueueTest, ATimerIsScheduledUntilItIsDueOrCancelled) {
  TimerQueue queue;
  Alarm a(1), b(2);
  EXPECT_FALSE(a.timer.scheduled());
  queue.schedule(a.timer, at(1));
  queue.schedule(b.timer, at(2));
  EXPECT_TRUE(a.timer.scheduled());
  EXPECT_EQ(queue.pop_due(at(2)), &a);
  EXPECT_FALSE(a.timer.scheduled());
  b.timer.cancel();
  EXPECT_FALSE(b.timer.scheduled());
  EXPECT_TRUE(queue.empty());
}

TEST(TimerQueueTest, CancellingATimerThatIsNotScheduledDoesNothing) {
  TimerQueue queue;
  Alarm a(1), b(2);
  a.timer.cancel();
  queue.schedule(a.timer, at(1));
  queue.schedule(b.timer, at(2));
  queue.pop_due(at(2));
  a.timer.cancel();
  EXPECT_EQ(queue.size(), 1U);
}

TEST(TimerQueueTest, ADestroyedTimerLeavesTheQueue) {
  TimerQueue queue;
  Alarm a(1);
  {
    Alarm passing(2);
    queue.schedule(passing.timer, at(1));
    queue.schedule(a.timer, at(2));
  }
  EXPECT_THAT(pop_due(queue, TimePoint::max()), ElementsAre(1));
}

TEST(TimerQueueTest, ADestroyedQueueLetsGoOfItsTimers) {
  Alarm a(1), b(2);
  {
    TimerQueue queue;
    queue.schedule(a.timer, at(1));
    queue.schedule(b.timer, at(2));
  }
  EXPECT_FALSE(a.timer.scheduled());
  EXPECT_FALSE(b.timer.scheduled());
}

TEST(TimerQueueTest, ClearForgetsAll) {
  TimerQueue queue;
  Alarm a(1), b(2);
  queue.schedule(a.timer, at(1));
  queue.schedule(b.timer, at(2));
  queue.clear();
  EXPECT_TRUE(queue.empty());
  EXPECT_FALSE(a.timer.scheduled());
  queue.schedule(a.timer, at(3));
  EXPECT_THAT(pop_due(queue, TimePoint::max()), ElementsAre(1));
}

TEST(TimerQueueTest, PopAnyTakesOutEveryTimerOnce) {
  TimerQueue queue;
  Alarm a(1), b(2);
  queue.schedule(a.timer, at(1));
  queue.schedule(b.timer, TimePoint::max());
  std::vector<Runnable*> popped = {queue.pop_any(), queue.pop_any()};
  EXPECT_THAT(popped, ::testing::UnorderedElementsAre(&a, &b));
  EXPECT_EQ(queue.pop_any(), nullptr);
}

TEST(TimerQueueTest, CancellingAMillionLeavesNothingBehind) {
  TimerQueue queue;
  Alarm alarm(1);
  for (int i = 0; i < 1'000'000; ++i) {
    queue.schedule(alarm.timer, at(i));
    alarm.timer.cancel();
    ASSERT_EQ(queue.size(), 0U);
  }
}

// Against a sorted map, which cannot be wrong.
TEST(TimerQueueTest, AnyMixOfSchedulingCancellingAndPoppingKeepsTheOrder) {
  std::mt19937 random(20240607);
  TimerQueue queue;
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (int i = 0; i < 300; ++i) alarms.push_back(std::make_unique<Alarm>(i));
  using Place = std::pair<TimePoint, int>;  // deadline, order of scheduling
  std::map<Place, Alarm*> model;
  std::map<Alarm*, Place> places;
  for (int step = 0; step < 30'000; ++step) {
    Alarm* alarm = alarms[random() % alarms.size()].get();
    const auto place = places.find(alarm);
    ASSERT_EQ(alarm->timer.scheduled(), place != places.end());
    if (random() % 10 == 0) {
      Runnable* popped = queue.pop_due(at(50));
      const bool due = !model.empty() && model.begin()->first.first < at(50);
      ASSERT_EQ(popped, due ? model.begin()->second : nullptr);
      if (due) {
        places.erase(model.begin()->second);
        model.erase(model.begin());
      }
    } else if (place == places.end()) {
      const TimePoint when = at(static_cast<int>(random() % 100));
      queue.schedule(alarm->timer, when);
      places[alarm] = {when, step};
      model[{when, step}] = alarm;
    } else {
      alarm->timer.cancel();
      model.erase(place->second);
      places.erase(place);
    }
    ASSERT_EQ(queue.size(), model.size());
    if (!model.empty()) {
      ASSERT_EQ(queue.next_deadline(), model.begin()->first.first);
    }
  }
  while (!model.empty()) {
    ASSERT_EQ(queue.pop_due(TimePoint::max()), model.begin()->second);
    model.erase(model.begin());
  }
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace asyncio
