// What a future raises: CancelledError and InvalidStateError.
#ifndef ASYNCIO_FUTURES_ERRORS_H_
#define ASYNCIO_FUTURES_ERRORS_H_

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace asyncio {

// The operation was cancelled. Not a std::exception, as Python's is not an Exception: `catch (const
// std::exception&)` must not eat a cancellation. Whoever catches it to clean up throws it on.
//
// Python counterpart: asyncio.CancelledError.
class CancelledError final {
 public:
  explicit CancelledError(std::optional<std::string> message = std::nullopt)
      : message_(std::move(message)) {}

  // What was given to cancel(), if anything.
  const std::optional<std::string>& message() const noexcept { return message_; }

 private:
  std::optional<std::string> message_;
};

// The future is not in the state that the call needs: no result yet, or a result already.
//
// Python counterpart: asyncio.InvalidStateError.
class InvalidStateError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

}  // namespace asyncio

#endif  // ASYNCIO_FUTURES_ERRORS_H_
