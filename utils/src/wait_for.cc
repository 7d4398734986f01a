#include "asyncio/utils/wait_for.h"

#include "asyncio/futures/waiter.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/utils/future_watch.h"

namespace asyncio::internal {
namespace {

class WaiterWatch final : public FutureWatch {
 public:
  explicit WaiterWatch(FutureState& future) : FutureWatch(future, current_future(future.loop())) {}

  Waiter& waiter() { return waiter_; }

 private:
  void future_done() override { waiter_.wake(); }

  Waiter waiter_;
};

}  // namespace

Coro<> cancel_and_wait(FutureState* future) {
  WaiterWatch watch(*future);
  future->cancel(std::nullopt);
  co_await watch.waiter();
  if (!future->ended_in_cancellation()) co_return;
  future->retrieve_error();
  throw TimeoutError();
}

}  // namespace asyncio::internal
