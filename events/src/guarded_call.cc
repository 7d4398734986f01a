#include "asyncio/events/guarded_call.h"

#include <exception>

#include "asyncio/events/activity.h"

namespace asyncio::internal {

void report_callback(ExceptionReporter& reporter, const Runnable& node) {
  reporter.call_exception_handler({.message = "Exception in callback",
                                   .exception = std::current_exception(),
                                   .details = {{"handle", to_string(node.activity())}}});
}

}  // namespace asyncio::internal
