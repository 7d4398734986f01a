// When a writer has to wait: the water marks of a write buffer.
#ifndef ASYNCIO_TRANSPORTS_FLOW_CONTROL_H_
#define ASYNCIO_TRANSPORTS_FLOW_CONTROL_H_

#include <cstddef>
#include <optional>

namespace asyncio {

// In bytes. Writing pauses when more than `high` are buffered and resumes when no more than `low`
// are.
//
// Python counterpart: the pair that get_write_buffer_limits() returns.
struct WriteBufferLimits {
  std::size_t low = 16 * 1024;
  std::size_t high = 64 * 1024;

  friend bool operator==(const WriteBufferLimits&, const WriteBufferLimits&) = default;
};

// What set_write_buffer_limits(high, low) means: neither given: 64 KiB and 16 KiB; high alone: low
// is a quarter of it; low alone: high is four times it. Throws std::invalid_argument unless high >=
// low.
WriteBufferLimits make_write_buffer_limits(std::optional<std::size_t> high,
                                           std::optional<std::size_t> low);

// Whether a protocol has been told to pause. Each change is reported once.
class WriteFlow {
 public:
  const WriteBufferLimits& limits() const noexcept { return limits_; }
  void set_limits(WriteBufferLimits limits) noexcept { limits_ = limits; }

  bool paused() const noexcept { return paused_; }

  // Whether the protocol must be paused now that `size` bytes are buffered.
  bool must_pause(std::size_t size) noexcept {
    if (paused_ || size <= limits_.high) return false;
    return paused_ = true;
  }

  // Whether it must be resumed.
  bool must_resume(std::size_t size) noexcept {
    if (!paused_ || size > limits_.low) return false;
    paused_ = false;
    return true;
  }

 private:
  WriteBufferLimits limits_;
  bool paused_ = false;
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_FLOW_CONTROL_H_
