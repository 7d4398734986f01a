#include "selectors/src/in_memory_kqueue.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "selectors/src/wait_time.h"

namespace asyncio {
namespace {

using Clock = std::chrono::steady_clock;
using Flags = decltype(kevent::flags);

constexpr std::size_t kRead = 0;
constexpr std::size_t kWrite = 1;

constexpr short kEndOfReading = POLLRDHUP | POLLHUP | POLLERR;
constexpr short kEndOfWriting = POLLHUP | POLLERR;

int fail(int error) {
  errno = error;
  return -1;
}

std::optional<std::size_t> filter_index(const struct kevent& change) {
  if (change.filter == static_cast<decltype(change.filter)>(EVFILT_READ)) return kRead;
  if (change.filter == static_cast<decltype(change.filter)>(EVFILT_WRITE)) return kWrite;
  return std::nullopt;
}

struct stat describe(int fd) {
  struct stat description{};
  ::fstat(fd, &description);
  return description;
}

int socket_option(int fd, int option) {
  int value = 0;
  socklen_t size = sizeof(value);
  ::getsockopt(fd, SOL_SOCKET, option, &value, &size);
  return value;
}

int device_number(int fd, unsigned long request) {
  int value = 0;
  ::ioctl(fd, request, &value);
  return value;
}

std::int64_t backlog_length(int fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  return ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_unacked : 1;
}

std::int64_t readable_bytes(int fd) {
  const struct stat description = describe(fd);
  if (S_ISREG(description.st_mode)) return description.st_size - ::lseek(fd, 0, SEEK_CUR);
  if (S_ISSOCK(description.st_mode) && socket_option(fd, SO_ACCEPTCONN)) return backlog_length(fd);
  return device_number(fd, FIONREAD);
}

std::int64_t writable_bytes(int fd) {
  const mode_t mode = describe(fd).st_mode;
  if (S_ISSOCK(mode)) return socket_option(fd, SO_SNDBUF) - device_number(fd, TIOCOUTQ);
  if (S_ISFIFO(mode)) return ::fcntl(fd, F_GETPIPE_SZ) - device_number(fd, FIONREAD);
  return 1;
}

// SO_ERROR would tell, but also forget.
int likeliest_socket_error(int fd) {
  if (!S_ISSOCK(describe(fd).st_mode)) return 0;
  sockaddr_storage peer;
  socklen_t size = sizeof(peer);
  const bool was_connected = ::getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) == 0;
  const bool stream = socket_option(fd, SO_TYPE) == SOCK_STREAM;
  return was_connected && stream ? ECONNRESET : ECONNREFUSED;
}

// A regular file at its end is not readable, though poll(2) says so.
bool is_at_end_of_file(int fd) {
  const struct stat description = describe(fd);
  return S_ISREG(description.st_mode) && description.st_size <= ::lseek(fd, 0, SEEK_CUR);
}

bool refuses(const timespec& timeout) {
  return timeout.tv_sec < 0 || timeout.tv_sec > 100'000'000 || timeout.tv_nsec < 0 ||
         timeout.tv_nsec >= 1'000'000'000;
}

// All kernels of the process, for the handlers of fork().
struct Kernels {
  std::mutex mutex;
  std::set<InMemoryKqueue*> all;
};

Kernels& kernels() {
  static Kernels* const kernels = new Kernels;
  return *kernels;
}

}  // namespace

class InMemoryKqueue::Queue {
 public:
  explicit Queue(int kq) : kq_(kq) {}

  int kevent(std::span<const struct kevent> changes, std::span<struct kevent> events,
             const timespec* timeout);

 private:
  struct Knote {
    bool exists = false;
    bool enabled = false;
    Flags flags = 0;
    decltype(kevent::udata) udata{};
  };

  struct Watched {
    bool any() const { return knotes[kRead].exists || knotes[kWrite].exists; }

    std::array<Knote, 2> knotes;
    // What tells whether the number still belongs to the same open file: membership in the epoll
    // set behind the kqueue, or for files that epoll refuses, the file itself.
    bool in_epoll = false;
    dev_t device = 0;
    ino_t inode = 0;
    // What poll(2) last said.
    short happened = 0;
  };

  int apply(const struct kevent& change);
  void settle(std::size_t fd);
  void drop(std::size_t fd);
  void drop_if_closed(std::size_t fd);
  void identify(std::size_t fd);
  epoll_event interest(std::size_t fd) const;
  int wait(std::optional<Clock::time_point> end);
  void look_at_all();
  int collect(std::span<struct kevent> events);
  bool is_active(std::size_t fd, std::size_t filter) const;
  struct kevent deliver(std::size_t fd, std::size_t filter);

  const FileDescriptor kq_;
  std::vector<Watched> watched_;
  std::vector<pollfd> polled_;
  // The knote that the next batch starts with: twice the descriptor, plus the filter.
  std::size_t next_ = 0;
};

int InMemoryKqueue::Queue::kevent(std::span<const struct kevent> changes,
                                  std::span<struct kevent> events, const timespec* timeout) {
  std::size_t answers = 0;
  for (const struct kevent& change : changes) {
    const int error = apply(change);
    if (error == 0 && (change.flags & EV_RECEIPT) == 0) continue;
    if (answers == events.size()) return error == 0 ? static_cast<int>(answers) : fail(error);
    struct kevent& answer = events[answers++];
    answer = change;
    answer.flags = EV_ERROR;
    answer.data = error;
  }
  if (answers > 0 || events.empty()) return static_cast<int>(answers);

  std::optional<Clock::time_point> end;
  if (timeout != nullptr) {
    if (refuses(*timeout)) return fail(EINVAL);
    end = Clock::now() + std::chrono::seconds(timeout->tv_sec) +
          std::chrono::nanoseconds(timeout->tv_nsec);
  }
  while (true) {
    const int ready = wait(end);
    if (ready <= 0) return ready;
    // None if another thread closed what was ready.
    if (const int collected = collect(events)) return collected;
  }
}

int InMemoryKqueue::Queue::apply(const struct kevent& change) {
  const std::optional<std::size_t> filter = filter_index(change);
  if (!filter.has_value() || (change.flags & EV_CLEAR) != 0) return EINVAL;
  const auto fd = static_cast<std::size_t>(change.ident);
  if (fd < watched_.size()) drop_if_closed(fd);
  if (::fcntl(static_cast<int>(fd), F_GETFD) == -1) return EBADF;
  if (fd >= watched_.size()) watched_.resize(fd + 1);

  Knote& knote = watched_[fd].knotes[*filter];
  if (!knote.exists && (change.flags & EV_ADD) == 0) return ENOENT;
  const bool is_first = !watched_[fd].any();
  if ((change.flags & EV_DELETE) != 0) {
    knote = {};
  } else {
    knote.exists = true;
    knote.udata = change.udata;
    if ((change.flags & EV_ADD) != 0) {
      knote.flags = static_cast<Flags>(change.flags & (EV_ONESHOT | EV_DISPATCH));
    }
    if ((change.flags & (EV_ADD | EV_ENABLE)) != 0) knote.enabled = true;
    if ((change.flags & EV_DISABLE) != 0) knote.enabled = false;
  }
  if (is_first) identify(fd);
  settle(fd);
  return 0;
}

// After a change of its knotes.
void InMemoryKqueue::Queue::settle(std::size_t fd) {
  if (!watched_[fd].any()) return drop(fd);
  epoll_event wanted = interest(fd);
  ::epoll_ctl(kq_.get(), EPOLL_CTL_MOD, static_cast<int>(fd), &wanted);
}

void InMemoryKqueue::Queue::drop(std::size_t fd) {
  if (watched_[fd].in_epoll) {
    ::epoll_ctl(kq_.get(), EPOLL_CTL_DEL, static_cast<int>(fd), nullptr);
  }
  watched_[fd] = {};
}

void InMemoryKqueue::Queue::drop_if_closed(std::size_t fd) {
  const Watched& watched = watched_[fd];
  if (!watched.any()) return;
  if (watched.in_epoll) {
    epoll_event wanted = interest(fd);
    // ENOENT if the number belongs to another open file.
    if (::epoll_ctl(kq_.get(), EPOLL_CTL_MOD, static_cast<int>(fd), &wanted) == 0) return;
  } else {
    const struct stat now = describe(static_cast<int>(fd));
    if (now.st_dev == watched.device && now.st_ino == watched.inode) return;
  }
  drop(fd);
}

void InMemoryKqueue::Queue::identify(std::size_t fd) {
  Watched& watched = watched_[fd];
  epoll_event nothing_yet{};
  const int added = ::epoll_ctl(kq_.get(), EPOLL_CTL_ADD, static_cast<int>(fd), &nothing_yet);
  watched.in_epoll = added == 0 || last_error() == EEXIST;
  const struct stat description = describe(static_cast<int>(fd));
  watched.device = description.st_dev;
  watched.inode = description.st_ino;
}

epoll_event InMemoryKqueue::Queue::interest(std::size_t fd) const {
  epoll_event wanted{};
  if (watched_[fd].knotes[kRead].enabled) wanted.events |= EPOLLIN | EPOLLRDHUP;
  if (watched_[fd].knotes[kWrite].enabled) wanted.events |= EPOLLOUT;
  return wanted;
}

// As poll(2); -1 with EINTR after a signal.
int InMemoryKqueue::Queue::wait(std::optional<Clock::time_point> end) {
  look_at_all();
  timespec left{};
  if (end.has_value()) left = to_timespec(std::max(*end - Clock::now(), Clock::duration::zero()));
  const int ready =
      ::ppoll(polled_.data(), polled_.size(), end.has_value() ? &left : nullptr, nullptr);
  for (const pollfd& polled : polled_) {
    watched_[static_cast<std::size_t>(polled.fd)].happened = ready > 0 ? polled.revents : short{0};
  }
  return ready;
}

void InMemoryKqueue::Queue::look_at_all() {
  polled_.clear();
  for (std::size_t fd = 0; fd < watched_.size(); ++fd) {
    drop_if_closed(fd);
    const Watched& watched = watched_[fd];
    const int number = static_cast<int>(fd);
    short events = 0;
    const bool may_end = !watched.in_epoll;
    if (watched.knotes[kRead].enabled && !(may_end && is_at_end_of_file(number))) {
      events |= POLLIN | POLLRDHUP;
    }
    if (watched.knotes[kWrite].enabled) events |= POLLOUT;
    if (events != 0) polled_.push_back({number, events, 0});
  }
}

int InMemoryKqueue::Queue::collect(std::span<struct kevent> events) {
  const std::size_t knotes = 2 * watched_.size();
  const std::size_t start = next_;
  std::size_t count = 0;
  for (std::size_t i = 0; i < knotes && count < events.size(); ++i) {
    const std::size_t knote = (start + i) % knotes;
    if (!is_active(knote / 2, knote % 2)) continue;
    events[count++] = deliver(knote / 2, knote % 2);
    next_ = (knote + 1) % knotes;
  }
  for (const pollfd& polled : polled_) watched_[static_cast<std::size_t>(polled.fd)].happened = 0;
  return static_cast<int>(count);
}

bool InMemoryKqueue::Queue::is_active(std::size_t fd, std::size_t filter) const {
  const Watched& watched = watched_[fd];
  const auto signs =
      static_cast<short>(filter == kRead ? POLLIN | kEndOfReading : POLLOUT | kEndOfWriting);
  return watched.knotes[filter].enabled && (watched.happened & signs) != 0;
}

struct kevent InMemoryKqueue::Queue::deliver(std::size_t fd, std::size_t filter) {
  const int number = static_cast<int>(fd);
  Watched& watched = watched_[fd];
  Knote& knote = watched.knotes[filter];
  struct kevent event{};
  event.ident = static_cast<decltype(event.ident)>(fd);
  event.filter = static_cast<decltype(event.filter)>(filter == kRead ? EVFILT_READ : EVFILT_WRITE);
  event.flags = knote.flags;
  event.udata = knote.udata;
  event.data = static_cast<decltype(event.data)>(filter == kRead ? readable_bytes(number)
                                                                 : writable_bytes(number));
  if ((watched.happened & (filter == kRead ? kEndOfReading : kEndOfWriting)) != 0) {
    event.flags |= EV_EOF;
    if ((watched.happened & POLLERR) != 0) {
      event.fflags = static_cast<decltype(event.fflags)>(likeliest_socket_error(number));
    }
  }
  if ((knote.flags & EV_ONESHOT) != 0) {
    knote = {};
    settle(fd);
  } else if ((knote.flags & EV_DISPATCH) != 0) {
    knote.enabled = false;
    settle(fd);
  }
  return event;
}

InMemoryKqueue::InMemoryKqueue() {
  [[maybe_unused]] static const int watching =
      pthread_atfork(&before_fork, &after_fork_in_parent, &after_fork_in_child);
  const std::lock_guard lock(kernels().mutex);
  kernels().all.insert(this);
}

InMemoryKqueue::~InMemoryKqueue() {
  const std::lock_guard lock(kernels().mutex);
  kernels().all.erase(this);
}

int InMemoryKqueue::kqueue() {
  const int kq = ::epoll_create1(0);
  if (kq == -1) return -1;
  const std::lock_guard lock(mutex_);
  queues_[kq] = std::make_unique<Queue>(kq);
  return kq;
}

int InMemoryKqueue::kevent(int kq, std::span<const struct kevent> changes,
                           std::span<struct kevent> events, const timespec* timeout) {
  Queue* queue = find(kq);
  return queue == nullptr ? fail(EBADF) : queue->kevent(changes, events, timeout);
}

int InMemoryKqueue::close(int kq) {
  const std::lock_guard lock(mutex_);
  return queues_.erase(kq) == 1 ? 0 : fail(EBADF);
}

InMemoryKqueue::Queue* InMemoryKqueue::find(int kq) {
  const std::lock_guard lock(mutex_);
  const auto found = queues_.find(kq);
  return found == queues_.end() ? nullptr : found->second.get();
}

void InMemoryKqueue::before_fork() {
  kernels().mutex.lock();
  for (InMemoryKqueue* kernel : kernels().all) kernel->mutex_.lock();
}

void InMemoryKqueue::after_fork_in_parent() {
  for (InMemoryKqueue* kernel : kernels().all) kernel->mutex_.unlock();
  kernels().mutex.unlock();
}

void InMemoryKqueue::after_fork_in_child() {
  for (InMemoryKqueue* kernel : kernels().all) kernel->queues_.clear();
  after_fork_in_parent();
}

}  // namespace asyncio
