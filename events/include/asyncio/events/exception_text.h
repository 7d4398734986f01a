// What an exception_ptr holds, in words.
#ifndef ASYNCIO_EVENTS_EXCEPTION_TEXT_H_
#define ASYNCIO_EVENTS_EXCEPTION_TEXT_H_

#include <exception>
#include <string>

namespace asyncio::internal {

// "std::runtime_error: no such file". Costs a rethrow. REQUIRES: `error` is not null.
std::string exception_text(const std::exception_ptr& error);

}  // namespace asyncio::internal

#endif  // ASYNCIO_EVENTS_EXCEPTION_TEXT_H_
