// A member function that is only called on temporaries. g++ 12 does not tell which kind it is.
//
// expect: a coroutine must not take a parameter by &&: it would refer to a temporary
// expect: that is gone when the coroutine runs; take it by value
// accepted by: g++-12

#include "asyncio/tasks/coro.h"

namespace member_function_of_a_temporary {

using asyncio::Coro;

#ifdef REJECTED
struct Server {
  Coro<> serve() && { co_return; }
};
#else
struct Server {
  Coro<> serve() { co_return; }
};
#endif

}  // namespace member_function_of_a_temporary
