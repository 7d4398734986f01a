// What an exception handler is told, and to whom one reports.
#ifndef ASYNCIO_EVENTS_EXCEPTION_CONTEXT_H_
#define ASYNCIO_EVENTS_EXCEPTION_CONTEXT_H_

#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace asyncio {

// An exception that nobody else can take care of. `details` are further lines under asyncio's key
// names: ("task", "<Task 'Task-3' created at main.cc:12>"), ("transport", "…").
//
// Python counterpart: the context dict of call_exception_handler().
struct ExceptionContext {
  std::string message = "Unhandled exception in event loop";
  std::exception_ptr exception = nullptr;
  std::vector<std::pair<std::string, std::string>> details = {};
};

// Whoever passes such exceptions on: a loop. An interface, so that a handle need not know loops.
class ExceptionReporter {
 public:
  // Throws nothing but a FatalError.
  virtual void call_exception_handler(const ExceptionContext& context) = 0;

 protected:
  ~ExceptionReporter() = default;
};

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_EXCEPTION_CONTEXT_H_
