// What a StreamReader raises.
#ifndef ASYNCIO_STREAMS_ERRORS_H_
#define ASYNCIO_STREAMS_ERRORS_H_

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>

namespace asyncio {

// The stream ended before as much had arrived as was asked for. Derived from EOFError in Python.
//
// Python counterpart: asyncio.IncompleteReadError.
class IncompleteReadError : public std::runtime_error {
 public:
  // `expected` is nullopt if no number was asked for.
  IncompleteReadError(std::string partial, std::optional<std::size_t> expected);

  // What did arrive; it is no longer in the stream.
  const std::string& partial() const noexcept { return partial_; }
  std::optional<std::size_t> expected() const noexcept { return expected_; }

 private:
  std::string partial_;
  std::optional<std::size_t> expected_;
};

// The separator did not come within the limit.
//
// Python counterpart: asyncio.LimitOverrunError.
class LimitOverrunError : public std::runtime_error {
 public:
  LimitOverrunError(const std::string& message, std::size_t consumed)
      : std::runtime_error(message), consumed_(consumed) {}

  // How many bytes, still in the stream, must be read to get past the failure.
  std::size_t consumed() const noexcept { return consumed_; }

 private:
  std::size_t consumed_;
};

}  // namespace asyncio

#endif  // ASYNCIO_STREAMS_ERRORS_H_
