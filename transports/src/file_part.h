// The part of a file that is to be sent, and how much of it has been.
#ifndef ASYNCIO_TRANSPORTS_FILE_PART_H_
#define ASYNCIO_TRANSPORTS_FILE_PART_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "asyncio/futures/future.h"

namespace asyncio {

// Does not use the file's own position, which a thread may not move behind the back of whoever has
// cancelled; sets it once, at the end.
class FilePart {
 public:
  // Throws std::invalid_argument for a negative offset and for a count that is not positive.
  FilePart(int file, std::int64_t offset, std::optional<std::int64_t> count);
  FilePart(const FilePart&) = delete;
  FilePart& operator=(const FilePart&) = delete;

  // Puts the position behind the last byte that was sent, if any was.
  ~FilePart();

  std::size_t sent() const noexcept { return sent_; }
  bool done() const noexcept { return ended_ || sent_ == most_; }

  // False for what is no regular file, such as a pipe. Of one that is, no more is sent than it has
  // now.
  bool is_regular();

  // One sendfile(2), which raises no SIGPIPE: bytes taken, 0 also if the file has ended, or -1 and
  // errno.
  std::ptrdiff_t send_to(int socket);

  // The next bytes, at most `most`, read on a thread of the default executor: none at the end.
  Future<std::string> read(std::size_t most);

  // So many of those have been sent.
  void advance(std::size_t size) noexcept { sent_ += size; }

 private:
  std::size_t left() const noexcept { return most_ - sent_; }
  std::int64_t position() const noexcept { return offset_ + static_cast<std::int64_t>(sent_); }

  const int file_;
  const std::int64_t offset_;
  std::size_t most_;
  std::size_t sent_ = 0;
  bool ended_ = false;
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_FILE_PART_H_
