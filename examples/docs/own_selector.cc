// How to write a back end for the loop.

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <span>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/asyncio.h"
#include "asyncio/selectors/default_selector.h"
#include "asyncio/selectors/duration.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/selectors/selector.h"
#include "gtest/gtest.h"

namespace docs_own_selector {
namespace {

using asyncio::Coro;
using asyncio::Duration;
using asyncio::EventMask;
using asyncio::FileDescriptor;
using asyncio::kEventRead;
using asyncio::kEventWrite;
using asyncio::ReadyKey;
using asyncio::Registration;
using asyncio::Selector;
using namespace std::chrono_literals;

// [backend]
// Shows a list of descriptors to ppoll() with every wait.
class ListSelector final : public Selector {
 public:
  std::string_view name() const noexcept override { return "ListSelector"; }

 private:
  void os_add(Registration registration, EventMask events) override {
    require_open(registration.fd);
    list_.push_back({registration.fd, to_poll(events), 0});
  }

  void os_modify(Registration registration, EventMask events) override {
    require_open(registration.fd);
    for (pollfd& entry : list_) {
      if (entry.fd == registration.fd) entry.events = to_poll(events);
    }
  }

  void os_remove(int fd) noexcept override {
    std::erase_if(list_, [fd](const pollfd& entry) { return entry.fd == fd; });
  }

  int os_wait(Duration timeout) override {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(timeout.nanoseconds());
    timespec limit{};
    limit.tv_sec = seconds.count();
    limit.tv_nsec = (timeout.nanoseconds() - seconds).count();
    return wait_result(
        ::ppoll(list_.data(), list_.size(), timeout.is_infinite() ? nullptr : &limit, nullptr),
        "ppoll");
  }

  void os_collect(int) override {
    for (const pollfd& entry : list_) {
      if (entry.revents != 0) report(entry.fd, from_poll(entry.revents));
    }
  }

  void os_close() noexcept override { list_.clear(); }

  // ppoll() would take any number.
  static void require_open(int fd) { asyncio::check(::fcntl(fd, F_GETFD), "fcntl"); }

  static short to_poll(EventMask events) {
    return static_cast<short>((events & kEventRead ? POLLIN : 0) |
                              (events & kEventWrite ? POLLOUT : 0));
  }

  // POLLHUP and POLLERR count as both.
  static EventMask from_poll(short happened) {
    return (happened & ~POLLOUT ? kEventRead : 0) | (happened & ~POLLIN ? kEventWrite : 0);
  }

  std::vector<pollfd> list_;
};
// [backend]

// [wrapper]
struct Counts {
  int waits = 0;
  int events = 0;
  int changes = 0;
};

// Leaves the work to another selector, and counts it.
class CountingSelector final : public Selector {
 public:
  // `counts` must outlive the selector.
  CountingSelector(std::unique_ptr<Selector> inner, Counts& counts)
      : inner_(std::move(inner)), counts_(counts) {}

  std::string_view name() const noexcept override { return "CountingSelector"; }
  int fileno() const noexcept override { return inner_->fileno(); }

 private:
  void os_add(Registration registration, EventMask events) override {
    ++counts_.changes;
    inner_->add(registration.fd, events);
  }

  void os_modify(Registration registration, EventMask events) override {
    ++counts_.changes;
    inner_->modify(registration.fd, events);
  }

  // After a refused modify() the inner selector has dropped it already.
  void os_remove(int fd) noexcept override {
    ++counts_.changes;
    if (inner_->get_map().contains(fd)) inner_->remove(fd);
  }

  int os_wait(Duration timeout) override {
    ++counts_.waits;
    ready_ = inner_->select(timeout);
    return static_cast<int>(ready_.size());
  }

  void os_collect(int ready) override {
    counts_.events += ready;
    for (const ReadyKey& each : ready_) report(each.key.fd, each.events);
  }

  void os_close() noexcept override { inner_->close(); }

  const std::unique_ptr<Selector> inner_;
  Counts& counts_;
  std::span<const ReadyKey> ready_;
};
// [wrapper]

// [loop]
std::unique_ptr<asyncio::EventLoop> make_loop() {
  return std::make_unique<asyncio::SelectorEventLoop>(std::make_unique<ListSelector>());
}

// What a loop asks of its selector while a program sleeps once.
Counts count_a_sleep() {
  Counts counts;
  asyncio::SelectorEventLoop loop(
      std::make_unique<CountingSelector>(asyncio::DefaultSelector(), counts));
  auto main = []() -> Coro<> { co_await asyncio::sleep(1ms); };
  asyncio::run_until_complete(loop, main());
  return counts;
}
// [loop]

TEST(CountingSelectorTest, CountsWhatALoopAsks) {
  const Counts counts = count_a_sleep();
  EXPECT_GE(counts.waits, 1);
  EXPECT_GE(counts.changes, 1);
}

// [story]
// What `selector` says of a socket: fresh, with a byte to read, watched for that alone, its peer
// gone, removed.
std::vector<EventMask> story(Selector& selector) {
  int fds[2];
  asyncio::check(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds),
                 "socketpair");
  const FileDescriptor here(fds[0]);
  FileDescriptor there(fds[1]);
  std::vector<EventMask> said;
  auto look = [&] {
    const std::span<const ReadyKey> ready = selector.select(0s);
    said.push_back(ready.empty() ? 0 : ready[0].events);
  };
  selector.add(here.get(), kEventRead | kEventWrite);
  look();
  asyncio::check(::write(there.get(), "x", 1), "write");
  look();
  selector.modify(here.get(), kEventRead);
  look();
  there.close();
  selector.modify(here.get(), kEventRead | kEventWrite);
  look();
  selector.remove(here.get());
  look();
  return said;
}

TEST(ListSelectorTest, SaysWhatTheDefaultSelectorSays) {
  ListSelector selector;
  EXPECT_EQ(story(selector), story(*asyncio::DefaultSelector()));
}

TEST(ListSelectorTest, NeverWakesEarly) {
  ListSelector selector;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(selector.select(1500us).empty());
  EXPECT_GE(std::chrono::steady_clock::now() - start, 1500us);
}
// [story]

TEST(CountingSelectorTest, SaysWhatTheDefaultSelectorSays) {
  Counts counts;
  CountingSelector selector(asyncio::DefaultSelector(), counts);
  EXPECT_EQ(story(selector), story(*asyncio::DefaultSelector()));
  EXPECT_EQ(counts.waits, 5);
  EXPECT_EQ(counts.events, 4);
  EXPECT_EQ(counts.changes, 4);
}

std::pair<FileDescriptor, FileDescriptor> make_pipe() {
  int fds[2];
  asyncio::check(::pipe2(fds, O_CLOEXEC), "pipe2");
  return {FileDescriptor(fds[0]), FileDescriptor(fds[1])};
}

// Both keep the rules that the page lists.
class OwnSelectorTest : public ::testing::TestWithParam<bool> {
 protected:
  Counts counts_;
  const std::unique_ptr<Selector> selector_ =
      GetParam() ? std::unique_ptr<Selector>(std::make_unique<ListSelector>())
                 : std::make_unique<CountingSelector>(asyncio::DefaultSelector(), counts_);
};

INSTANTIATE_TEST_SUITE_P(, OwnSelectorTest, ::testing::Bool());

TEST_P(OwnSelectorTest, RefusesAClosedDescriptorAndKeepsNothing) {
  const int number = make_pipe().first.get();
  EXPECT_THROW(selector_->add(number, kEventRead), asyncio::OsError);
  EXPECT_TRUE(selector_->get_map().empty());
  EXPECT_TRUE(selector_->select(0s).empty());
}

TEST_P(OwnSelectorTest, DropsWhatItCannotModify) {
  auto [here, there] = make_pipe();
  const int number = here.get();
  selector_->add(number, kEventRead);
  here.close();
  EXPECT_THROW(selector_->modify(number, kEventWrite), asyncio::OsError);
  EXPECT_TRUE(selector_->get_map().empty());
  EXPECT_TRUE(selector_->select(0s).empty());
}

TEST_P(OwnSelectorTest, RemovesWhatWasClosedBefore) {
  auto [here, there] = make_pipe();
  const int number = here.get();
  selector_->add(number, kEventRead);
  here.close();
  EXPECT_EQ(selector_->remove(number).fd, number);
  EXPECT_TRUE(selector_->select(0s).empty());
}

TEST_P(OwnSelectorTest, ClosesTwice) {
  selector_->close();
  selector_->close();
  EXPECT_THROW(selector_->select(0s), std::runtime_error);
  EXPECT_EQ(selector_->fileno(), -1);
}

Coro<> echo_once() {
  auto echo = [](asyncio::StreamReader reader, asyncio::StreamWriter writer) -> Coro<> {
    writer.write(co_await reader.readline());
    co_await writer.drain();
  };
  asyncio::Server server = co_await asyncio::start_server(echo, "127.0.0.1", 0);
  auto [reader, writer] =
      co_await asyncio::open_connection("127.0.0.1", server.sockets()[0].getsockname().port());
  writer.write("hello\n");
  EXPECT_EQ(co_await reader.readline(), "hello\n");
}

TEST(ListSelectorTest, RunsALoop) { asyncio::run(echo_once(), {.loop_factory = make_loop}); }

}  // namespace
}  // namespace docs_own_selector
