#include "asyncio/selectors/default_selector.h"

#include <stdexcept>

#include "asyncio/selectors/devpoll_selector.h"
#include "asyncio/selectors/epoll_selector.h"
#include "asyncio/selectors/kqueue_selector.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/selectors/poll_selector.h"
#include "asyncio/selectors/select_selector.h"

namespace asyncio {
namespace {

template <class Kind>
std::unique_ptr<Selector> open() {
  return std::make_unique<Kind>();
}

constexpr SelectorFactory kBestFirst[] = {
    open<KqueueSelector>,  //
#if __has_include(<sys/epoll.h>)
    open<EpollSelector>,
#endif
    open<DevpollSelector>, open<PollSelector>, open<SelectSelector>,
};

}  // namespace

std::span<const SelectorFactory> selectors_best_first() noexcept { return kBestFirst; }

std::unique_ptr<Selector> DefaultSelector() { return open_first_usable(kBestFirst); }

std::unique_ptr<Selector> open_first_usable(std::span<const SelectorFactory> candidates) {
  if (candidates.empty()) throw std::invalid_argument("No selectors to choose from");
  for (const SelectorFactory candidate : candidates.first(candidates.size() - 1)) {
    try {
      return candidate();
    } catch (const OsError&) {
      // The next one may work.
    }
  }
  return candidates.back()();
}

}  // namespace asyncio
