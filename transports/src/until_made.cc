#include "transports/src/until_made.h"

#include <utility>

#include "absl/cleanup/cleanup.h"
#include "asyncio/events/event_loop.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/futures/waiter.h"

namespace asyncio {

Coro<> until_made(std::shared_ptr<BaseTransport> transport) {
  absl::Cleanup close = [&] { transport->close(); };
  Waiter made;
  Handle wake = get_running_loop().call_soon([&made] { made.wake(); });
  absl::Cleanup withdraw = [&] { wake.cancel(); };
  co_await made;
  std::move(close).Cancel();
}

}  // namespace asyncio
