// Bytes in transit: appended at the end, consumed from the front.
#ifndef ASYNCIO_TRANSPORTS_BYTE_BUFFER_H_
#define ASYNCIO_TRANSPORTS_BYTE_BUFFER_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace asyncio {

// Contiguous. Consuming moves no bytes; appending moves what is left only when that makes room for
// at least as much again, so each byte is moved a constant number of times. What a large message
// has taken goes back to the heap as soon as the buffer is empty.
class ByteBuffer {
 public:
  bool empty() const noexcept { return size() == 0; }
  std::size_t size() const noexcept { return bytes_.size() - start_; }
  std::size_t max_size() const noexcept { return bytes_.max_size(); }

  // Valid until the next append(), consume() or clear().
  std::string_view view() const noexcept { return std::string_view(bytes_).substr(start_); }

  // Throws std::bad_alloc, std::length_error.
  void append(std::string_view data) {
    if (start_ >= size()) compact();
    bytes_.append(data);
  }

  // Puts `data` before what is there. For what was taken and has to go back; linear.
  void prepend(std::string_view data) {
    bytes_.replace(0, start_, data);
    start_ = 0;
  }

  // Drops the first `size` bytes. REQUIRES: size <= this->size().
  void consume(std::size_t size) noexcept {
    start_ += size;
    if (start_ == bytes_.size()) clear();
  }

  // The first `size` bytes, consumed. REQUIRES: size <= this->size().
  std::string take(std::size_t size) {
    std::string taken(view().substr(0, size));
    consume(size);
    return taken;
  }

  void clear() noexcept {
    start_ = 0;
    if (bytes_.capacity() > kKept) {
      std::string().swap(bytes_);  // assigning would keep the memory
    } else {
      bytes_.clear();
    }
  }

 private:
  static constexpr std::size_t kKept = 1024;

  void compact() noexcept {
    bytes_.erase(0, start_);
    start_ = 0;
  }

  std::string bytes_;
  std::size_t start_ = 0;  // of what is not consumed, in bytes_
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_BYTE_BUFFER_H_
