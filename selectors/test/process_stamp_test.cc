#include "asyncio/selectors/process_stamp.h"

#include <sys/wait.h>
#include <unistd.h>

#include "gtest/gtest.h"

namespace asyncio {
namespace {

// What `question` answers in a forked child.
template <class Question>
bool ask_in_child(Question question) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(question() ? 1 : 0);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  return WEXITSTATUS(status) == 1;
}

TEST(ProcessStampTest, IsCurrentWhereItWasMade) { EXPECT_TRUE(ProcessStamp().is_current()); }

TEST(ProcessStampTest, IsNotCurrentInAForkedChild) {
  const ProcessStamp stamp;
  EXPECT_FALSE(ask_in_child([&] { return stamp.is_current(); }));
  EXPECT_TRUE(stamp.is_current());
}

TEST(ProcessStampTest, IsNotCurrentInAGrandchild) {
  const ProcessStamp stamp;
  EXPECT_FALSE(ask_in_child([&] { return ask_in_child([&] { return stamp.is_current(); }); }));
}

TEST(ProcessStampTest, MadeInAChildIsCurrentThere) {
  EXPECT_TRUE(ask_in_child([] { return ProcessStamp().is_current(); }));
}

TEST(ProcessStampTest, MadeInAChildIsNotCurrentInItsOwnChild) {
  EXPECT_FALSE(ask_in_child([] {
    const ProcessStamp stamp;
    return ask_in_child([&] { return stamp.is_current(); });
  }));
}

}  // namespace
}  // namespace asyncio
