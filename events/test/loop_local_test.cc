#include "asyncio/events/loop_local.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/events/event_loop.h"
#include "asyncio/events/virtual_time_loop.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace asyncio {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Tells when it goes, and does then what it was told.
template <int kNumber>
struct Resident {
  explicit Resident(EventLoop& loop) : loop(loop) {}
  ~Resident() {
    gone.push_back(kNumber);
    if (last_words) last_words();
  }

  static inline std::vector<int> gone_storage;
  EventLoop& loop;
  std::vector<int>& gone = Resident<0>::gone_storage;
  std::function<void()> last_words;
};

const LoopLocal<Resident<1>> first;
const LoopLocal<Resident<2>> second;

class LoopLocalTest : public ::testing::Test {
 protected:
  LoopLocalTest() { gone().clear(); }
  static std::vector<int>& gone() { return Resident<0>::gone_storage; }
};

TEST_F(LoopLocalTest, AnObjectIsMadeOnFirstUseForItsLoop) {
  VirtualTimeLoop loop;
  EXPECT_EQ(first.find(loop), nullptr);
  Resident<1>& object = first.of(loop);
  EXPECT_EQ(&object.loop, &loop);
  EXPECT_EQ(first.find(loop), &object);
  EXPECT_EQ(&first.of(loop), &object);
}

TEST_F(LoopLocalTest, EachLoopHasItsOwn) {
  VirtualTimeLoop one, two;
  EXPECT_NE(&first.of(one), &first.of(two));
  EXPECT_EQ(&first.of(two).loop, &two);
}

TEST_F(LoopLocalTest, EachKeyHasItsOwn) {
  VirtualTimeLoop loop;
  first.of(loop);
  EXPECT_EQ(second.find(loop), nullptr);
  second.of(loop);
  EXPECT_NE(static_cast<void*>(&first.of(loop)), static_cast<void*>(&second.of(loop)));
}

TEST_F(LoopLocalTest, ClosingTheLoopDestroysThemLastMadeFirst) {
  VirtualTimeLoop loop;
  second.of(loop);
  first.of(loop);
  EXPECT_THAT(gone(), IsEmpty());
  loop.close();
  EXPECT_THAT(gone(), ElementsAre(1, 2));
  EXPECT_EQ(first.find(loop), nullptr);
  EXPECT_EQ(second.find(loop), nullptr);
}

TEST_F(LoopLocalTest, DestroyingTheLoopDestroysThem) {
  std::optional<VirtualTimeLoop> loop(std::in_place);
  first.of(*loop);
  loop.reset();
  EXPECT_THAT(gone(), ElementsAre(1));
}

TEST_F(LoopLocalTest, ADestructorFindsTheLoopStillWorking) {
  VirtualTimeLoop loop;
  bool closed = true;
  first.of(loop).last_words = [&] {
    closed = loop.is_closed();
    loop.call_soon([] { FAIL(); });
  };
  loop.close();
  EXPECT_FALSE(closed);
  EXPECT_TRUE(loop.is_closed());
}

TEST_F(LoopLocalTest, ADestructorDoesNotFindTheDyingObjectButThoseMadeEarlier) {
  VirtualTimeLoop loop;
  Resident<1>& earlier = first.of(loop);
  Resident<1>* found = nullptr;
  Resident<2>* itself = nullptr;
  second.of(loop).last_words = [&] {
    found = first.find(loop);
    itself = second.find(loop);
  };
  itself = &second.of(loop);
  loop.close();
  EXPECT_EQ(found, &earlier);
  EXPECT_EQ(itself, nullptr);
}

TEST_F(LoopLocalTest, ADestructorThatNeedsWhatIsGoneGetsAFreshOneWhichGoesToo) {
  VirtualTimeLoop loop;
  first.of(loop).last_words = [&] { second.of(loop); };
  second.of(loop);
  loop.close();
  EXPECT_THAT(gone(), ElementsAre(2, 1, 2));
  EXPECT_EQ(second.find(loop), nullptr);
}

}  // namespace
}  // namespace asyncio
