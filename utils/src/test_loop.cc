#include "asyncio/utils/test_loop.h"

namespace asyncio::testing {

std::unique_ptr<EventLoop> new_test_loop() { return std::make_unique<TestLoop>(); }

}  // namespace asyncio::testing
