#include "asyncio/events/runnable.h"

#include <optional>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Node final : public Runnable {
 public:
  Node(int number, std::vector<int>& ran) : number_(number), ran_(ran) {}
  void run() override { ran_.push_back(number_); }

 private:
  int number_;
  std::vector<int>& ran_;
};

class RunnableTest : public ::testing::Test {
 protected:
  // The numbers of what stands in the list, which is empty afterwards.
  std::vector<int> drain(RunnableList& list) {
    ran_.clear();
    while (!list.empty()) list.pop_front().run();
    return ran_;
  }

  std::vector<int> ran_;
  Node one_{1, ran_}, two_{2, ran_}, three_{3, ran_}, four_{4, ran_};
};

TEST_F(RunnableTest, ANewListIsEmptyAndANewNodeInNoList) {
  const RunnableList list;
  EXPECT_TRUE(list.empty());
  EXPECT_FALSE(one_.linked());
}

TEST_F(RunnableTest, AListGivesOutItsNodesInTheOrderInWhichTheyCame) {
  RunnableList list;
  list.push_back(two_);
  list.push_back(one_);
  list.push_back(three_);
  EXPECT_FALSE(list.empty());
  EXPECT_THAT(drain(list), ElementsAre(2, 1, 3));
}

TEST_F(RunnableTest, ANodeIsLinkedFromPushToPop) {
  RunnableList list;
  list.push_back(one_);
  EXPECT_TRUE(one_.linked());
  EXPECT_EQ(&list.pop_front(), &one_);
  EXPECT_FALSE(one_.linked());
}

TEST_F(RunnableTest, ANodeMayJoinAgainOnceItHasBeenTakenOut) {
  RunnableList list;
  list.push_back(one_);
  list.push_back(two_);
  list.push_back(list.pop_front());
  EXPECT_THAT(drain(list), ElementsAre(2, 1));
}

TEST_F(RunnableTest, ANodeMayLeaveFromAnyPlace) {
  for (Runnable* leaver : {&one_, &two_, &three_}) {
    RunnableList list;
    list.push_back(one_);
    list.push_back(two_);
    list.push_back(three_);
    leaver->unlink();
    EXPECT_FALSE(leaver->linked());
    list.push_back(*leaver);
    std::vector<int> expected;
    for (Runnable* node : {&one_, &two_, &three_}) {
      if (node != leaver) expected.push_back(node == &one_ ? 1 : node == &two_ ? 2 : 3);
    }
    expected.push_back(leaver == &one_ ? 1 : leaver == &two_ ? 2 : 3);
    EXPECT_EQ(drain(list), expected);
  }
}

TEST_F(RunnableTest, LeavingWithoutStandingInAListDoesNothing) {
  one_.unlink();
  EXPECT_FALSE(one_.linked());
}

TEST_F(RunnableTest, TheOnlyNodeLeavesAnEmptyListBehind) {
  RunnableList list;
  list.push_back(one_);
  one_.unlink();
  EXPECT_TRUE(list.empty());
  list.push_back(two_);
  EXPECT_THAT(drain(list), ElementsAre(2));
}

TEST_F(RunnableTest, ADestroyedNodeLeavesItsList) {
  RunnableList list;
  list.push_back(one_);
  {
    Node passing(9, ran_);
    list.push_back(passing);
    list.push_back(two_);
  }
  EXPECT_THAT(drain(list), ElementsAre(1, 2));
}

TEST_F(RunnableTest, ADestroyedListLetsGoOfItsNodes) {
  {
    RunnableList list;
    list.push_back(one_);
    list.push_back(two_);
  }
  EXPECT_FALSE(one_.linked());
  EXPECT_FALSE(two_.linked());
}

TEST_F(RunnableTest, SplicingBackAppendsInOrderAndEmptiesTheOther) {
  RunnableList list, other;
  list.push_back(one_);
  other.push_back(two_);
  other.push_back(three_);
  list.splice_back(other);
  EXPECT_TRUE(other.empty());
  list.push_back(four_);
  EXPECT_THAT(drain(list), ElementsAre(1, 2, 3, 4));
}

TEST_F(RunnableTest, SplicingFrontGoesBeforeWhatIsThere) {
  RunnableList list, other;
  list.push_back(three_);
  other.push_back(one_);
  other.push_back(two_);
  list.splice_front(other);
  EXPECT_TRUE(other.empty());
  list.push_back(four_);
  EXPECT_THAT(drain(list), ElementsAre(1, 2, 3, 4));
}

TEST_F(RunnableTest, SplicingIntoAnEmptyListMovesAll) {
  RunnableList list, other;
  other.push_back(one_);
  list.splice_back(other);
  other.push_back(two_);
  EXPECT_THAT(drain(other), ElementsAre(2));
  EXPECT_THAT(drain(list), ElementsAre(1));
}

TEST_F(RunnableTest, SplicingAnEmptyListChangesNothing) {
  RunnableList list, other;
  list.splice_back(other);
  EXPECT_THAT(drain(list), IsEmpty());
  list.push_back(one_);
  list.splice_back(other);
  list.splice_front(other);
  EXPECT_THAT(drain(list), ElementsAre(1));
}

TEST_F(RunnableTest, ANodeMayLeaveAfterItHasBeenSpliced) {
  RunnableList list, other;
  other.push_back(one_);
  other.push_back(two_);
  list.splice_back(other);
  one_.unlink();
  EXPECT_THAT(drain(list), ElementsAre(2));
}

}  // namespace
}  // namespace asyncio
