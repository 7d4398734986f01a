// What the base class asks of a back end, and when.

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/selectors/selector.h"
#include "asyncio/selectors/selector_map.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

// An operating system that writes down what it is told and reports what it is given.
class ScriptedSelector : public Selector {
 public:
  struct Event {
    Registration registration;
    EventMask events;
  };

  std::string_view name() const noexcept override { return "ScriptedSelector"; }

  std::vector<Registration> added;
  std::vector<Registration> modified;
  std::vector<int> removed;
  std::vector<Duration> timeouts;
  int closed = 0;

  // Refuses the next add or modify with this error.
  int refusal = 0;
  // Interrupts so many waits.
  int interruptions = 0;
  // What the next wait finds.
  std::vector<Event> events;
  int unknown_events = 0;

 private:
  void os_add(Registration registration, EventMask) override {
    added.push_back(registration);
    refuse_if_told();
  }
  void os_modify(Registration registration, EventMask) override {
    modified.push_back(registration);
    refuse_if_told();
  }
  void os_remove(int fd) noexcept override { removed.push_back(fd); }
  int os_wait(Duration timeout) override {
    timeouts.push_back(timeout);
    errno = EINTR;
    return wait_result(interruptions-- > 0 ? -1 : static_cast<int>(events.size()), "wait");
  }
  void os_collect(int ready) override {
    EXPECT_EQ(static_cast<std::size_t>(ready), events.size());
    for (const Event& event : events) {
      if (!report(event.registration, event.events)) ++unknown_events;
    }
  }
  void os_close() noexcept override { ++closed; }

  void refuse_if_told() {
    if (refusal != 0) throw_os_error(refusal, "refuse");
  }
};

class SelectorHooksTest : public ::testing::Test {
 protected:
  ScriptedSelector selector_;
};

TEST_F(SelectorHooksTest, AnAddThatTheOsRefusesKeepsNoEntry) {
  selector_.refusal = EPERM;
  EXPECT_THROW(selector_.add(3, kEventRead), PermissionError);
  EXPECT_FALSE(selector_.get_map().contains(3));
  selector_.refusal = 0;
  EXPECT_NO_THROW(selector_.add(3, kEventRead));
}

TEST_F(SelectorHooksTest, TheOsHearsNothingOfWhatIsRefusedBeforehand) {
  selector_.add(3, kEventRead);
  EXPECT_THROW(selector_.add(3, kEventRead), std::out_of_range);
  EXPECT_THROW(selector_.add(4, 0), std::invalid_argument);
  EXPECT_THROW(selector_.modify(4, kEventRead), std::out_of_range);
  EXPECT_THROW(selector_.remove(4), std::out_of_range);
  EXPECT_EQ(selector_.added.size(), 1U);
  EXPECT_THAT(selector_.modified, IsEmpty());
  EXPECT_THAT(selector_.removed, IsEmpty());
}

TEST_F(SelectorHooksTest, TheOsHearsOfAModifyOnlyIfTheEventsChange) {
  int data = 0;
  selector_.add(3, kEventRead);
  selector_.modify(3, kEventRead);
  selector_.modify(3, kEventRead, &data);
  EXPECT_THAT(selector_.modified, IsEmpty());
  selector_.modify(3, kEventWrite, &data);
  EXPECT_EQ(selector_.modified.size(), 1U);
}

TEST_F(SelectorHooksTest, AModifyThatTheOsRefusesDropsTheEntryAndSurfaces) {
  selector_.add(3, kEventRead);
  selector_.refusal = ENOMEM;
  EXPECT_THROW(selector_.modify(3, kEventWrite), OsError);
  EXPECT_FALSE(selector_.get_map().contains(3));
  EXPECT_THAT(selector_.removed, ElementsAre(3));
}

TEST_F(SelectorHooksTest, AModifyKeepsTheRegistration) {
  selector_.add(3, kEventRead);
  selector_.modify(3, kEventWrite);
  EXPECT_EQ(selector_.modified[0].generation, selector_.added[0].generation);
}

TEST_F(SelectorHooksTest, ADescriptorAddedAgainIsAnotherRegistration) {
  selector_.add(3, kEventRead);
  selector_.remove(3);
  selector_.add(3, kEventRead);
  EXPECT_NE(selector_.added[0].generation, selector_.added[1].generation);
}

TEST_F(SelectorHooksTest, EventsOfADeadRegistrationAreDropped) {
  selector_.add(3, kEventRead);
  selector_.add(4, kEventRead);
  selector_.remove(3);
  selector_.remove(4);
  const SelectorKey key = selector_.add(3, kEventRead);
  selector_.events = {{selector_.added[0], kEventRead},   // the number has a new owner
                      {selector_.added[1], kEventRead},   // the number has no owner
                      {{999, 1}, kEventRead},             // the number has never been heard of
                      {selector_.added[2], kEventRead}};  // alive
  const auto ready = selector_.select(0s);
  ASSERT_EQ(ready.size(), 1U);
  EXPECT_EQ(ready[0].key, key);
  EXPECT_EQ(selector_.unknown_events, 3);
}

TEST_F(SelectorHooksTest, EventsThatNobodyAskedForAreDropped) {
  selector_.add(3, kEventRead);
  selector_.events = {{selector_.added[0], kEventWrite}};
  EXPECT_THAT(selector_.select(0s), IsEmpty());
}

TEST_F(SelectorHooksTest, WaitsOnceForWhatItIsTold) {
  selector_.select();
  selector_.select(Duration::infinite());
  selector_.select(0s);
  selector_.select(-5s);
  selector_.select(3ns);
  EXPECT_THAT(selector_.timeouts, ElementsAre(Duration::infinite(), Duration::infinite(),
                                              Duration(), Duration(), Duration(3ns)));
}

TEST_F(SelectorHooksTest, AnInterruptedWaitGoesOnWithTheRestOfItsTime) {
  selector_.interruptions = 3;
  selector_.select(1h);
  ASSERT_EQ(selector_.timeouts.size(), 4U);
  EXPECT_EQ(selector_.timeouts[0], Duration(1h));
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_LE(selector_.timeouts[i], selector_.timeouts[i - 1]);
    EXPECT_GT(selector_.timeouts[i], Duration(59min));
  }
}

TEST_F(SelectorHooksTest, AnInterruptedWaitWithoutALimitGoesOnWithoutOne) {
  selector_.interruptions = 1;
  selector_.select();
  EXPECT_THAT(selector_.timeouts, ElementsAre(Duration::infinite(), Duration::infinite()));
}

TEST_F(SelectorHooksTest, AnInterruptedLookLooksAgain) {
  selector_.interruptions = 1;
  selector_.select(0s);
  EXPECT_THAT(selector_.timeouts, ElementsAre(Duration(), Duration()));
}

TEST_F(SelectorHooksTest, TheOsIsClosedOnce) {
  selector_.close();
  selector_.close();
  EXPECT_EQ(selector_.closed, 1);
}

}  // namespace
}  // namespace asyncio
