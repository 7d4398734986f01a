// How a loop calls what is the user's.
#ifndef ASYNCIO_EVENTS_GUARDED_CALL_H_
#define ASYNCIO_EVENTS_GUARDED_CALL_H_

#include "asyncio/events/context.h"
#include "asyncio/events/exception_context.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/runnable.h"

namespace asyncio::internal {

// Inside a catch: reports the exception as that of the callback `node`.
void report_callback(ExceptionReporter& reporter, const Runnable& node);

// Calls `function` in `context`. What it throws is reported as the exception of `node`, in that
// context; a FatalError leaves.
template <class F>
inline void guarded_call(ExceptionReporter& reporter, ContextRef& context, const Runnable& node,
                         F&& function) {
  const ContextScope scope(context);
  try {
    function();
  } catch (const FatalError&) {
    throw;
  } catch (...) {
    report_callback(reporter, node);
  }
}

}  // namespace asyncio::internal

#endif  // ASYNCIO_EVENTS_GUARDED_CALL_H_
