#include "asyncio/events/fatal_error.h"

#include "asyncio/events/exception_type.h"

namespace asyncio {

bool is_fatal(const std::exception_ptr& error) noexcept {
  return internal::holds<KeyboardInterrupt>(error) || internal::holds<SystemExit>(error);
}

}  // namespace asyncio
