// The error of a coroutine that was handed over although it may refer to what is about to be gone.
#ifndef ASYNCIO_TASKS_BORROWED_ARGUMENT_ERROR_H_
#define ASYNCIO_TASKS_BORROWED_ARGUMENT_ERROR_H_

#include <stdexcept>

namespace asyncio {

// A coroutine that takes `const T&`, a view, or a capturing lambda's closure was given to a
// function that lets it outlive its expression. The text names the parameter and the cure. Thrown
// every time and in every build; the coroutine has not started and is destroyed.
//
// Python counterpart: none; there everything is kept alive.
class BorrowedArgumentError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

}  // namespace asyncio

#endif  // ASYNCIO_TASKS_BORROWED_ARGUMENT_ERROR_H_
