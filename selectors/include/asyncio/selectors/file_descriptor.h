// FileDescriptor: the owner of one open descriptor, which it closes when it goes.
//
// Move-only, as a descriptor has one owner. Closing never throws and keeps the thread's last error,
// so that an owner may go out of scope on the way out of a failed call. A number that only looks at
// somebody else's descriptor is a plain int.

#ifndef ASYNCIO_SELECTORS_FILE_DESCRIPTOR_H_
#define ASYNCIO_SELECTORS_FILE_DESCRIPTOR_H_

#include <utility>

namespace asyncio {

class FileDescriptor {
 public:
  // Owns nothing; get() is -1.
  FileDescriptor() noexcept = default;

  // Takes over an open descriptor; with a negative number owns nothing.
  explicit FileDescriptor(int fd) noexcept : fd_(fd < 0 ? -1 : fd) {}

  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~FileDescriptor() { close(); }

  // The number, or -1; ownership stays here.
  int get() const noexcept { return fd_; }

  // The same number under the name that Python gives it.
  int fileno() const noexcept { return fd_; }

  bool valid() const noexcept { return fd_ >= 0; }

  // Gives the descriptor away unclosed; this owns nothing afterwards.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

  // Closes what it owns and takes over `fd`. REQUIRES: `fd` is not the descriptor owned already.
  void reset(int fd = -1) noexcept;

  // Closes what it owns; without effect the second time. Errors of close(2) are dropped: they come
  // too late to be acted upon, and the number is free again in any case.
  void close() noexcept { reset(); }

 private:
  int fd_ = -1;
};

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_FILE_DESCRIPTOR_H_
