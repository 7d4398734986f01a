// Struct kevent and the constants of this build are those of the system that it says it is.

#include <algorithm>
#include <cstddef>

#include "gtest/gtest.h"
#include "selectors/src/kqueue_api.h"
#include "selectors/test/recorded_kqueue.h"

namespace asyncio {
namespace {

const RecordedKqueue& recorded() {
  return *std::ranges::find(kRecordedKqueues, ASYNCIO_TEST_SYSTEM, &RecordedKqueue::system);
}

TEST(KqueueLayoutTest, StructKeventIsAsRecorded) {
  EXPECT_EQ(sizeof(struct kevent), recorded().kevent_size);
#define MEMBER(name) (RecordedMember{offsetof(struct kevent, name), sizeof(decltype(kevent::name))})
  EXPECT_EQ(MEMBER(ident), recorded().ident);
  EXPECT_EQ(MEMBER(filter), recorded().filter);
  EXPECT_EQ(MEMBER(flags), recorded().flags);
  EXPECT_EQ(MEMBER(fflags), recorded().fflags);
  EXPECT_EQ(MEMBER(data), recorded().data);
  EXPECT_EQ(MEMBER(udata), recorded().udata);
#undef MEMBER
}

TEST(KqueueLayoutTest, TheConstantsAreAsRecorded) {
  EXPECT_EQ(static_cast<long>(EVFILT_READ), recorded().evfilt_read);
  EXPECT_EQ(static_cast<long>(EVFILT_WRITE), recorded().evfilt_write);
  EXPECT_EQ(unsigned{EV_ADD}, recorded().ev_add);
  EXPECT_EQ(unsigned{EV_DELETE}, recorded().ev_delete);
  EXPECT_EQ(unsigned{EV_ENABLE}, recorded().ev_enable);
  EXPECT_EQ(unsigned{EV_DISABLE}, recorded().ev_disable);
  EXPECT_EQ(unsigned{EV_ONESHOT}, recorded().ev_oneshot);
  EXPECT_EQ(unsigned{EV_CLEAR}, recorded().ev_clear);
  EXPECT_EQ(unsigned{EV_RECEIPT}, recorded().ev_receipt);
  EXPECT_EQ(unsigned{EV_DISPATCH}, recorded().ev_dispatch);
  EXPECT_EQ(unsigned{EV_SYSFLAGS}, recorded().ev_sysflags);
  EXPECT_EQ(unsigned{EV_ERROR}, recorded().ev_error);
  EXPECT_EQ(unsigned{EV_EOF}, recorded().ev_eof);
}

}  // namespace
}  // namespace asyncio
