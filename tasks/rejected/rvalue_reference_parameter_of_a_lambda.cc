// The same for lambdas.
//
// expect: a coroutine must not take a parameter by &&: it would refer to a temporary
// expect: that is gone when the coroutine runs; take it by value

#include <string>

#include "asyncio/tasks/coro.h"

namespace rvalue_reference_parameter_of_a_lambda {

using asyncio::Coro;

#ifdef REJECTED
const auto print = [](int, std::string&&) -> Coro<> { co_return; };
#else
const auto print = [](int, std::string) -> Coro<> { co_return; };
#endif

}  // namespace rvalue_reference_parameter_of_a_lambda
