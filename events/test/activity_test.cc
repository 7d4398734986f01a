#include "asyncio/events/activity.h"

#include <source_location>
#include <string>

#include "gtest/gtest.h"

namespace asyncio {
namespace {

TEST(ActivityTest, SaysWhatItKnows) {
  const auto here = std::source_location::current();
  const std::string place = to_string(here);
  Activity activity;
  EXPECT_EQ(to_string(activity), "<Handle>");
  activity.kind = "Task";
  activity.set_name("fetch");
  EXPECT_EQ(to_string(activity), "<Task 'fetch'>");
  activity.suspended = here;
  EXPECT_EQ(to_string(activity), "<Task 'fetch' suspended at " + place + ">");
  activity.created = here;
  EXPECT_EQ(to_string(activity),
            "<Task 'fetch' created at " + place + ", suspended at " + place + ">");
}

TEST(ActivityTest, CutsLongNamesOff) {
  Activity activity;
  activity.set_name(std::string(100, 'x'));
  EXPECT_EQ(to_string(activity), "<Handle '" + std::string(47, 'x') + "'>");
  activity.set_name("short");
  EXPECT_EQ(to_string(activity), "<Handle 'short'>");
}

TEST(ActivityTest, APlaceIsAFileAndALine) {
  const auto here = std::source_location::current();
  EXPECT_EQ(to_string(here), "events/test/activity_test.cc:" + std::to_string(here.line()));
  EXPECT_EQ(to_string(std::source_location()), "unknown place");
}

}  // namespace
}  // namespace asyncio
