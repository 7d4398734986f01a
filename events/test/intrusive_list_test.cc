#include "asyncio/events/intrusive_list.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Numbered : ListNode {
  explicit Numbered(int number) : number(number) {}

  const int number;
};

using List = IntrusiveList<Numbered>;

class IntrusiveListTest : public ::testing::Test {
 protected:
  // The numbers of what stands in the list, which is empty afterwards.
  static std::vector<int> drain(List& list) {
    std::vector<int> numbers;
    while (!list.empty()) numbers.push_back(list.pop_front().number);
    return numbers;
  }

  Numbered one_{1}, two_{2}, three_{3}, four_{4};
};

TEST_F(IntrusiveListTest, ANewListIsEmptyAndANewNodeInNoList) {
  const List list;
  EXPECT_TRUE(list.empty());
  EXPECT_FALSE(one_.linked());
}

TEST_F(IntrusiveListTest, AListGivesOutItsNodesInTheOrderInWhichTheyCame) {
  List list;
  list.push_back(two_);
  list.push_back(one_);
  list.push_back(three_);
  EXPECT_FALSE(list.empty());
  EXPECT_THAT(drain(list), ElementsAre(2, 1, 3));
}

TEST_F(IntrusiveListTest, ANodeIsLinkedFromPushToPop) {
  List list;
  list.push_back(one_);
  EXPECT_TRUE(one_.linked());
  EXPECT_EQ(&list.pop_front(), &one_);
  EXPECT_FALSE(one_.linked());
}

TEST_F(IntrusiveListTest, ANodeMayJoinAgainOnceItHasBeenTakenOut) {
  List list;
  list.push_back(one_);
  list.push_back(two_);
  list.push_back(list.pop_front());
  EXPECT_THAT(drain(list), ElementsAre(2, 1));
}

TEST_F(IntrusiveListTest, ANodeMayLeaveFromAnyPlace) {
  for (Numbered* leaver : {&one_, &two_, &three_}) {
    List list;
    list.push_back(one_);
    list.push_back(two_);
    list.push_back(three_);
    leaver->unlink();
    EXPECT_FALSE(leaver->linked());
    list.push_back(*leaver);
    std::vector<int> expected;
    for (Numbered* node : {&one_, &two_, &three_}) {
      if (node != leaver) expected.push_back(node->number);
    }
    expected.push_back(leaver->number);
    EXPECT_EQ(drain(list), expected);
  }
}

TEST_F(IntrusiveListTest, LeavingWithoutStandingInAListDoesNothing) {
  one_.unlink();
  EXPECT_FALSE(one_.linked());
}

TEST_F(IntrusiveListTest, TheOnlyNodeLeavesAnEmptyListBehind) {
  List list;
  list.push_back(one_);
  one_.unlink();
  EXPECT_TRUE(list.empty());
  list.push_back(two_);
  EXPECT_THAT(drain(list), ElementsAre(2));
}

TEST_F(IntrusiveListTest, ADestroyedNodeLeavesItsList) {
  List list;
  list.push_back(one_);
  {
    Numbered passing(9);
    list.push_back(passing);
    list.push_back(two_);
  }
  EXPECT_THAT(drain(list), ElementsAre(1, 2));
}

TEST_F(IntrusiveListTest, ADestroyedListLetsGoOfItsNodes) {
  {
    List list;
    list.push_back(one_);
    list.push_back(two_);
  }
  EXPECT_FALSE(one_.linked());
  EXPECT_FALSE(two_.linked());
}

TEST_F(IntrusiveListTest, EachNodeIsVisitedInOrderAndMayLeaveMeanwhile) {
  List list, other;
  for (Numbered* node : {&one_, &two_, &three_}) list.push_back(*node);
  std::vector<int> visited;
  list.for_each([&](Numbered& node) {
    visited.push_back(node.number);
    if (node.number == 2) return;
    node.unlink();
    other.push_back(node);
  });
  EXPECT_THAT(visited, ElementsAre(1, 2, 3));
  EXPECT_THAT(drain(list), ElementsAre(2));
  EXPECT_THAT(drain(other), ElementsAre(1, 3));
}

TEST_F(IntrusiveListTest, SplicingBackAppendsInOrderAndEmptiesTheOther) {
  List list, other;
  list.push_back(one_);
  other.push_back(two_);
  other.push_back(three_);
  list.splice_back(other);
  EXPECT_TRUE(other.empty());
  list.push_back(four_);
  EXPECT_THAT(drain(list), ElementsAre(1, 2, 3, 4));
}

TEST_F(IntrusiveListTest, SplicingFrontGoesBeforeWhatIsThere) {
  List list, other;
  list.push_back(three_);
  other.push_back(one_);
  other.push_back(two_);
  list.splice_front(other);
  EXPECT_TRUE(other.empty());
  list.push_back(four_);
  EXPECT_THAT(drain(list), ElementsAre(1, 2, 3, 4));
}

TEST_F(IntrusiveListTest, SplicingIntoAnEmptyListMovesAll) {
  List list, other;
  other.push_back(one_);
  list.splice_back(other);
  other.push_back(two_);
  EXPECT_THAT(drain(other), ElementsAre(2));
  EXPECT_THAT(drain(list), ElementsAre(1));
}

TEST_F(IntrusiveListTest, SplicingAnEmptyListChangesNothing) {
  List list, other;
  list.splice_back(other);
  EXPECT_THAT(drain(list), IsEmpty());
  list.push_back(one_);
  list.splice_back(other);
  list.splice_front(other);
  EXPECT_THAT(drain(list), ElementsAre(1));
}

TEST_F(IntrusiveListTest, ANodeMayLeaveAfterItHasBeenSpliced) {
  List list, other;
  other.push_back(one_);
  other.push_back(two_);
  list.splice_back(other);
  one_.unlink();
  EXPECT_THAT(drain(list), ElementsAre(2));
}

}  // namespace
}  // namespace asyncio
