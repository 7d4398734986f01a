// A reference would outlive what it refers to.
//
// expect: a Coro returns a value: use a pointer or std::reference_wrapper

#include <functional>

#include "asyncio/tasks/coro.h"

namespace returning_a_reference {

using asyncio::Coro;

#ifdef REJECTED
Coro<int&> same(int& number) { co_return number; }
#else
Coro<std::reference_wrapper<int> > same(int& number) { co_return number; }
#endif

}  // namespace returning_a_reference
