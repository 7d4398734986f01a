// Coroutines cannot be collected and awaited later; tasks can.
//
// expect: consume it where it is born: co_await f() or create_task(f())

#include <vector>

#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"

namespace keeping_coroutines_in_a_container {

using asyncio::Coro;

Coro<int> answer();

#ifdef REJECTED
void collect(std::vector<Coro<int>>& all) { all.push_back(answer()); }
#else
void collect(std::vector<asyncio::Task<int>>& all) {
  all.push_back(asyncio::create_task(answer()));
}
#endif

}  // namespace keeping_coroutines_in_a_container
