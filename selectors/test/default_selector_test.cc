#include "asyncio/selectors/default_selector.h"

#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "asyncio/selectors/os_error.h"
#include "asyncio/selectors/poll_selector.h"
#include "asyncio/selectors/select_selector.h"
#include "asyncio/selectors/selector.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "selectors/test/refuse_system_call.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;

std::unique_ptr<Selector> open_nothing() { throw_os_error(ENOSYS, "epoll_create1"); }
std::unique_ptr<Selector> open_badly() { throw std::logic_error("a bug, not a missing kernel"); }
std::unique_ptr<Selector> open_poll() { return std::make_unique<PollSelector>(); }
std::unique_ptr<Selector> open_select() { return std::make_unique<SelectSelector>(); }

TEST(DefaultSelectorTest, IsEpollHere) { EXPECT_EQ(DefaultSelector()->name(), "EpollSelector"); }

// The name of what opens, or why nothing does.
std::string name_or_error(SelectorFactory open) {
  try {
    return std::string(open()->name());
  } catch (const OsError& error) {
    return error.what();
  }
}

TEST(DefaultSelectorTest, PrefersKqueueToEpollToDevpollToPollToSelect) {
  std::vector<std::string> tried;
  for (const SelectorFactory open : selectors_best_first()) tried.push_back(name_or_error(open));
  EXPECT_THAT(
      tried, ElementsAre("kqueue: Function not implemented", "EpollSelector",
                         "/dev/poll: No such file or directory", "PollSelector", "SelectSelector"));
}

TEST(DefaultSelectorTest, IsPollWhereASandboxForbidsEpoll) {
  const pid_t child = check(::fork(), "fork");
  if (child == 0) {
    refuse_system_call(SYS_epoll_create1, EPERM);
    ::_exit(DefaultSelector()->name() == "PollSelector" ? 0 : 1);
  }
  int status = 0;
  check(::waitpid(child, &status, 0), "waitpid");
  EXPECT_EQ(status, 0);
}

TEST(OpenFirstUsableTest, TakesTheFirstThatOpens) {
  const std::array<SelectorFactory, 3> candidates = {open_nothing, open_poll, open_select};
  EXPECT_EQ(open_first_usable(candidates)->name(), "PollSelector");
}

TEST(OpenFirstUsableTest, FallsBackToTheLastResort) {
  const std::array<SelectorFactory, 3> candidates = {open_nothing, open_nothing, open_select};
  EXPECT_EQ(open_first_usable(candidates)->name(), "SelectSelector");
}

TEST(OpenFirstUsableTest, ThrowsTheLastErrorIfNoneOpens) {
  const std::array<SelectorFactory, 2> candidates = {open_nothing, open_nothing};
  EXPECT_THROW(open_first_usable(candidates), OsError);
}

TEST(OpenFirstUsableTest, HidesNoErrorButThoseOfTheOs) {
  const std::array<SelectorFactory, 2> candidates = {open_badly, open_poll};
  EXPECT_THROW(open_first_usable(candidates), std::logic_error);
}

TEST(OpenFirstUsableTest, RefusesToChooseFromNothing) {
  EXPECT_THROW(open_first_usable(std::span<const SelectorFactory>()), std::invalid_argument);
}

}  // namespace
}  // namespace asyncio
