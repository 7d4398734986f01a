// All back ends, as parameters of a suite; those that this machine lacks run over a kernel kept in
// memory. A new back end is added here and runs through all of selector_test.cc,
// selector_wait_test.cc and selector_allocation_test.cc.

#ifndef ASYNCIO_SELECTORS_TEST_EVERY_SELECTOR_H_
#define ASYNCIO_SELECTORS_TEST_EVERY_SELECTOR_H_

#include <memory>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "asyncio/selectors/default_selector.h"
#include "asyncio/selectors/devpoll_selector.h"
#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/epoll_selector.h"
#include "asyncio/selectors/kqueue_selector.h"
#include "asyncio/selectors/poll_selector.h"
#include "asyncio/selectors/select_selector.h"
#include "asyncio/selectors/selector.h"
#include "gtest/gtest.h"
#include "selectors/src/devpoll_api.h"
#include "selectors/src/in_memory_devpoll.h"
#include "selectors/src/in_memory_kqueue.h"
#include "selectors/src/kqueue_api.h"

namespace asyncio {

struct SelectorKind {
  const char* name;
  SelectorFactory open;

  friend void PrintTo(const SelectorKind& kind, std::ostream* out) { *out << kind.name; }
};

template <class BackEnd>
std::unique_ptr<Selector> open_selector() {
  return std::make_unique<BackEnd>();
}

inline std::unique_ptr<Selector> open_kqueue_selector() {
  static InMemoryKqueue in_memory;
  return std::make_unique<KqueueSelector>(kOsHasKqueue ? system_kqueue() : in_memory);
}

inline std::unique_ptr<Selector> open_devpoll_selector() {
  static InMemoryDevpoll in_memory;
  return std::make_unique<DevpollSelector>(kOsHasDevpoll ? system_devpoll() : in_memory);
}

inline auto every_selector() {
  return ::testing::Values(SelectorKind{"Select", open_selector<SelectSelector>},
                           SelectorKind{"Poll", open_selector<PollSelector>},
                           SelectorKind{"Epoll", open_selector<EpollSelector>},
                           SelectorKind{"Kqueue", open_kqueue_selector},
                           SelectorKind{"Devpoll", open_devpoll_selector},
                           SelectorKind{"Default", DefaultSelector});
}

// Those without the limit of FD_SETSIZE.
inline auto every_scalable_selector() {
  return ::testing::Values(SelectorKind{"Poll", open_selector<PollSelector>},
                           SelectorKind{"Epoll", open_selector<EpollSelector>},
                           SelectorKind{"Kqueue", open_kqueue_selector},
                           SelectorKind{"Devpoll", open_devpoll_selector},
                           SelectorKind{"Default", DefaultSelector});
}

// Names the tests, as the last argument of INSTANTIATE_TEST_SUITE_P.
inline std::string kind_name(const ::testing::TestParamInfo<SelectorKind>& info) {
  return info.param.name;
}

class EverySelectorTest : public ::testing::TestWithParam<SelectorKind> {
 protected:
  // Unlike Selector::select() only looks unless told otherwise.
  std::vector<ReadyKey> select(std::optional<Duration> timeout = Duration::zero()) {
    const std::span<const ReadyKey> ready = selector_->select(timeout);
    return {ready.begin(), ready.end()};
  }

  std::unique_ptr<Selector> selector_ = GetParam().open();
};

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_TEST_EVERY_SELECTOR_H_
