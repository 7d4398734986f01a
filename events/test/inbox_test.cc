#include "asyncio/events/inbox.h"

#include <poll.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <deque>
#include <thread>
#include <vector>

#include "asyncio/events/runnable.h"
#include "asyncio/selectors/os_error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Letter final : Runnable {
  Letter(int sender, int number) : sender(sender), number(number) {}
  void run() override {}

  int sender;
  int number;
};

std::vector<int> numbers_in(RunnableList& list) {
  std::vector<int> numbers;
  while (!list.empty()) numbers.push_back(static_cast<Letter&>(list.pop_front()).number);
  return numbers;
}

bool woken(const Inbox& inbox) {
  pollfd entry = {inbox.waker().fileno(), POLLIN, 0};
  return check(::poll(&entry, 1, 0), "poll") == 1;
}

TEST(InboxTest, IsEmptyAtFirst) {
  Inbox inbox;
  RunnableList ready;
  EXPECT_FALSE(inbox.pending());
  EXPECT_FALSE(woken(inbox));
  inbox.take(ready);
  EXPECT_TRUE(ready.empty());
}

TEST(InboxTest, GivesOutWhatWasPostedInOrderBehindWhatIsThere) {
  Inbox inbox;
  RunnableList ready;
  Letter one(0, 1), two(0, 2), three(0, 3);
  ready.push_back(three);
  EXPECT_TRUE(inbox.post(one));
  EXPECT_TRUE(inbox.post(two));
  EXPECT_TRUE(inbox.pending());
  inbox.take(ready);
  EXPECT_FALSE(inbox.pending());
  EXPECT_THAT(numbers_in(ready), ElementsAre(3, 1, 2));
}

TEST(InboxTest, OnlyTheFirstPostWakesTheLoop) {
  Inbox inbox;
  RunnableList ready;
  Letter one(0, 1), two(0, 2), three(0, 3);
  inbox.post(one);
  EXPECT_TRUE(woken(inbox));
  inbox.waker().acknowledge();
  inbox.post(two);
  EXPECT_FALSE(woken(inbox));
  inbox.take(ready);
  inbox.post(three);
  EXPECT_TRUE(woken(inbox));
}

TEST(InboxTest, RefusesPostsOnceClosed) {
  Inbox inbox;
  RunnableList rest;
  inbox.close(rest);
  Letter late(0, 1);
  EXPECT_FALSE(inbox.post(late));
  EXPECT_FALSE(late.linked());
  EXPECT_FALSE(inbox.pending());
  EXPECT_FALSE(woken(inbox));
}

TEST(InboxTest, ClosingHandsOverWhatWasPosted) {
  Inbox inbox;
  RunnableList rest;
  Letter one(0, 1), two(0, 2);
  inbox.post(one);
  inbox.post(two);
  inbox.close(rest);
  EXPECT_FALSE(inbox.pending());
  EXPECT_THAT(numbers_in(rest), ElementsAre(1, 2));
}

TEST(InboxTest, EveryPostOfManyThreadsIsEitherRefusedOrTakenOnceInItsThreadsOrder) {
  constexpr int kThreads = 4;
  constexpr int kLetters = 3000;
  Inbox inbox;
  std::deque<Letter> letters;
  for (int sender = 0; sender < kThreads; ++sender) {
    for (int number = 0; number < kLetters; ++number) letters.emplace_back(sender, number);
  }
  std::array<std::atomic<int>, kThreads> accepted{};
  std::vector<std::thread> threads;
  for (int sender = 0; sender < kThreads; ++sender) {
    threads.emplace_back([&, sender] {
      for (int number = 0; number < kLetters; ++number) {
        if (!inbox.post(letters[static_cast<std::size_t>(sender * kLetters + number)])) return;
        accepted[static_cast<std::size_t>(sender)].fetch_add(1);
      }
    });
  }
  std::array<int, kThreads> next{};
  const auto look_at = [&](RunnableList& list) {
    int seen = 0;
    for (; !list.empty(); ++seen) {
      const auto& letter = static_cast<const Letter&>(list.pop_front());
      EXPECT_EQ(letter.number, next[static_cast<std::size_t>(letter.sender)]++);
    }
    return seen;
  };
  RunnableList ready;
  for (int taken = 0; taken < kLetters;) {
    inbox.take(ready);
    taken += look_at(ready);
    std::this_thread::yield();
  }
  inbox.close(ready);
  look_at(ready);
  for (std::thread& thread : threads) thread.join();
  for (std::size_t sender = 0; sender < kThreads; ++sender) {
    EXPECT_EQ(next[sender], accepted[sender].load());
  }
}

}  // namespace
}  // namespace asyncio
