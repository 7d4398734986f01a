// How a future ended, in a word.
#ifndef TASKS_TEST_ENDING_H_
#define TASKS_TEST_ENDING_H_

#include <exception>
#include <string>
#include <type_traits>

#include "asyncio/events/fatal_error.h"
#include "asyncio/futures/errors.h"
#include "asyncio/futures/future.h"
#include "asyncio/tasks/coro.h"

namespace asyncio {

// "value", "cancelled", "cancelled: <message>" or "failed: <what>", for the exception that `action`
// lets out.
template <class F>
std::string ending_of_call(F action) {
  try {
    action();
    return "value";
  } catch (const CancelledError& error) {
    return error.message().has_value() ? "cancelled: " + *error.message() : "cancelled";
  } catch (const std::exception& error) {
    return std::string("failed: ") + error.what();
  } catch (const FatalError& error) {
    return std::string("fatal: ") + error.what();
  }
}

// The same for a future that is done.
template <class T>
std::string ending(const Future<T>& future) {
  return ending_of_call([&] { future.result(); });
}

// The same for a future that is awaited here first. What cancels the awaiting task shows, too.
template <class T>
Coro<std::string> ending_of(Future<T> future) {
  std::exception_ptr error;
  try {
    co_await future;
  } catch (...) {
    error = std::current_exception();
  }
  co_return ending_of_call([&] {
    if (error != nullptr) std::rethrow_exception(error);
  });
}

}  // namespace asyncio

#endif  // TASKS_TEST_ENDING_H_
