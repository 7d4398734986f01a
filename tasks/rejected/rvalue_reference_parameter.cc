// A parameter by && would be gone when the coroutine runs.
//
// expect: a coroutine must not take a parameter by &&: it would refer to a temporary
// expect: that is gone when the coroutine runs; take it by value

#include <string>

#include "asyncio/tasks/coro.h"

namespace rvalue_reference_parameter {

using asyncio::Coro;

#ifdef REJECTED
Coro<> print(std::string&&) { co_return; }
#else
Coro<> print(std::string) { co_return; }
#endif

}  // namespace rvalue_reference_parameter
