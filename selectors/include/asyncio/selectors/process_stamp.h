// ProcessStamp: tells whether the process that made an object is still the one that holds it.
//
// fork() copies every object into the child, but a copied epoll descriptor still edits the parent's
// kernel set. An object with such a tie carries a stamp and asks it before it acts. Asking costs
// one load: forks are counted by a pthread_atfork handler, where comparing process ids would cost a
// system call each time. Children of vfork(), posix_spawn() and a bare clone() are not noticed; the
// first two can do nothing but exec.

#ifndef ASYNCIO_SELECTORS_PROCESS_STAMP_H_
#define ASYNCIO_SELECTORS_PROCESS_STAMP_H_

namespace asyncio {

class ProcessStamp {
 public:
  // Stamps with the calling process.
  ProcessStamp() noexcept;

  // False in every process forked off since the stamp was made.
  bool is_current() const noexcept { return forks_ == forks_so_far_; }

 private:
  static void count_fork() noexcept { ++forks_so_far_; }

  // Forks between the first process and this one. Written only by a fresh child, which has a single
  // thread.
  static inline unsigned forks_so_far_ = 0;

  const unsigned forks_;
};

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_PROCESS_STAMP_H_
