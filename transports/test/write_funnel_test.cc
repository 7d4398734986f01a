// What holds for every way into a stream: write(), writelines(), and sendfile() in both its ways.
#include "transports/src/write_funnel.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/futures/errors.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "asyncio/transports/sendfile.h"
#include "asyncio/transports/transport.h"
#include "gtest/gtest.h"
#include "transports/src/socket_transport.h"
#include "transports/test/peer.h"
#include "transports/test/recorder.h"
#include "transports/test/watched_loop.h"

// Memory that AddressSanitizer holds back for a while would look as if we did.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "quarantine_size_mb=1"; }

namespace asyncio {
namespace {

constexpr std::size_t kMiB = 1 << 20;
constexpr std::uint64_t kTenGiB = std::uint64_t{10} << 30;

FileDescriptor make_file() {
  std::string path = ::testing::TempDir() + "/funnel_XXXXXX";
  FileDescriptor file(check(::mkostemp(path.data(), O_CLOEXEC), "mkostemp"));
  check(::unlink(path.c_str()), "unlink");
  return file;
}

// The system sends no file to what is written at its end only; to send() that means nothing.
void send_in_blocks_only(int socket, bool on) {
  const int flags = check(::fcntl(socket, F_GETFL), "fcntl");
  check(::fcntl(socket, F_SETFL, on ? flags | O_APPEND : flags & ~O_APPEND), "fcntl");
}

// This process's memory, without what is mapped from files, in bytes.
std::size_t resident() {
  std::size_t size = 0;
  std::size_t pages = 0;
  std::size_t shared = 0;
  std::ifstream("/proc/self/statm") >> size >> pages >> shared;
  return (pages - shared) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

class WriteFunnelTest : public ::testing::Test {
 protected:
  void connect(EndsOptions options) {
    Ends ends = connected_ends(options);
    recorder_ = std::make_shared<Recorder>();
    recorder_->on_pause = [this] {
      EXPECT_FALSE(std::exchange(paused_, true));
      ++pauses_;
    };
    recorder_->on_resume = [this] {
      EXPECT_TRUE(std::exchange(paused_, false));
      if (on_resume_) on_resume_();
    };
    transport_ = SocketTransport::start(loop_, std::move(ends.ours), recorder_, nullptr);
    peer_ = std::make_unique<Peer>(std::move(ends.peer));
  }

  Coro<> close() {
    transport_->abort();
    co_await until([this] { return recorder_->lost; });
  }

  WatchedLoop loop_;
  std::shared_ptr<Recorder> recorder_;
  std::shared_ptr<Transport> transport_;
  std::unique_ptr<Peer> peer_;
  bool paused_ = false;
  int pauses_ = 0;
  std::function<void()> on_resume_;
};

// What arrives.

class RandomWriter {
 public:
  RandomWriter(unsigned seed, Transport& transport) : random_(seed), transport_(transport) {}

  const std::string& sent() const { return sent_; }

  Coro<> write(int times) {
    for (; times > 0; --times) {
      const unsigned way = random_() % 4;
      if (way == 0) write_one();
      if (way == 1) write_lines();
      if (way >= 2) co_await send_file(way == 2);
      co_await turns(static_cast<int>(random_() % 3));
    }
    transport_.close();
  }

 private:
  // Mostly small, sometimes more than the high-water mark, sometimes nothing.
  std::string make_data() {
    const std::size_t most = random_() % 8 == 0 ? 100'000 : 3000;
    std::string data = noise(random_() % most, static_cast<std::uint32_t>(random_()));
    sent_ += data;
    return data;
  }

  void write_one() { transport_.write(make_data()); }

  void write_lines() {
    std::vector<std::string> lines(random_() % 130);
    for (std::string& line : lines) {
      line = noise(random_() % 300, static_cast<std::uint32_t>(random_()));
      if (random_() % 5 == 0) line.clear();
      sent_ += line;
    }
    const std::vector<std::string_view> pieces(lines.begin(), lines.end());
    transport_.writelines(pieces);
  }

  Coro<> send_file(bool native) {
    const FileDescriptor file = make_file();
    const std::string data = make_data();
    check(::pwrite(file.get(), data.data(), data.size(), 0), "pwrite");
    send_in_blocks_only(transport_.fileno(), !native);
    EXPECT_EQ(co_await sendfile(transport_, file.get()), data.size());
  }

  std::mt19937 random_;
  Transport& transport_;
  std::string sent_;
};

TEST_F(WriteFunnelTest, InWhateverOrderAndSizesItIsWrittenItArrivesUnchanged) {
  for (const unsigned seed : {1u, 2u, 3u, 4u, 5u, 6u}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    connect(kNarrow);
    transport_->set_write_buffer_limits(20'000, 1'000);
    RandomWriter writer(seed, *transport_);
    std::mt19937 random(seed + 1000);
    std::string received;
    loop_.run([&]() -> Coro<> {
      const auto write = [&]() -> Coro<> { co_await writer.write(60); };
      auto writing = create_task(write);
      while (true) {
        const std::string some = co_await peer_->recv(1 + random() % 5000);
        if (some.empty()) break;
        received += some;
        co_await turns(static_cast<int>(random() % 4));
      }
      co_await writing;
      co_await until([&] { return recorder_->lost; });
    });
    EXPECT_EQ(received.size(), writer.sent().size());
    EXPECT_TRUE(received == writer.sent());
    EXPECT_EQ(std::exchange(pauses_, 0) > 0, true) << "it must really have been paused";
    EXPECT_FALSE(paused_);
    EXPECT_TRUE(loop_.reports().empty());
  }
}

// Every size at which a piece may end in a short write, also within the last of a batch.
TEST_F(WriteFunnelTest, OneTo130PiecesArriveHoweverFewTheKernelTakes) {
  for (std::size_t count = 1; count <= 130; count += count < 70 ? 1 : 20) {
    SCOPED_TRACE(std::to_string(count) + " pieces");
    connect(kNarrow);
    std::vector<std::string> owned;
    std::string all;
    for (std::size_t i = 0; i < count; ++i) {
      owned.push_back(noise(20'000 / count + i, static_cast<std::uint32_t>(i)));
      all += owned.back();
    }
    const std::vector<std::string_view> pieces(owned.begin(), owned.end());
    loop_.run([&]() -> Coro<> {
      transport_->writelines(pieces);
      transport_->writelines(pieces);
      transport_->close();
      EXPECT_TRUE(co_await peer_->recv_all() == all + all);
      co_await until([&] { return recorder_->lost; });
    });
    paused_ = false;
  }
}

// What it costs.

class MemoryTest : public WriteFunnelTest {
 protected:
  // Ten GiB from a program that writes only while it is not paused.
  void offer(const std::function<void(std::string_view)>& write) {
    on_resume_ = [this, write] {
      while (!paused_ && offered_ < kTenGiB) {
        write(block_);
        offered_ += block_.size();
      }
    };
    on_resume_();
  }

  // Runs `action` and checks what the process has grown by at most meanwhile.
  template <class F>
  Coro<> expect_little_memory(F action) {
    const std::size_t before = resident();
    co_await action();
    const std::size_t after = resident();
    EXPECT_LE(after, before + transport_->get_write_buffer_limits().high + kMiB);
  }

  // Sends `file` to a peer that reads nothing, until no more is taken, and gives up.
  Coro<> send_until_stalled(int file, bool native) {
    auto sending = create_task(sendfile, std::ref(*transport_), file, SendfileOptions());
    co_await until([&] { return native ? is_readable(peer_->fileno()) : paused_; });
    co_await turns(1000);
    EXPECT_FALSE(sending.done());
    sending.cancel();
    EXPECT_TRUE(holds<CancelledError>(co_await error_of(sending)));
  }

  const std::string block_ = noise(16 * 1024);
  std::uint64_t offered_ = 0;
};

TEST_F(MemoryTest, TenGiBOfferedToAStalledPeerCostNoMoreThanTheMark) {
  const std::string_view line = std::string_view(block_).substr(0, 256);
  const std::vector<std::string_view> lines(64, line);
  const std::function<void(std::string_view)> ways[] = {
      [&](std::string_view block) { transport_->write(block); },
      [&](std::string_view) { transport_->writelines(lines); },
  };
  for (const auto& way : ways) {
    connect(kNarrow);
    loop_.run([&]() -> Coro<> {
      co_await turns(3);
      co_await expect_little_memory([&]() -> Coro<> {
        offer(way);
        co_await turns(1000);
      });
      EXPECT_TRUE(paused_);
      EXPECT_LT(offered_, kMiB);
      EXPECT_LE(transport_->get_write_buffer_size(), 64 * 1024 + block_.size());
      co_await close();
    });
    paused_ = false;
    offered_ = 0;
  }
}

TEST_F(MemoryTest, AFileOfTenGiBSentToAStalledPeerCostsNoMoreThanTheMark) {
  const FileDescriptor file = make_file();
  check(::ftruncate(file.get(), static_cast<off_t>(kTenGiB)), "ftruncate");
  // The first that is sent each way starts threads that stay.
  for (const bool native : {true, false}) {
    connect(kNarrow);
    send_in_blocks_only(transport_->fileno(), !native);
    loop_.run([&]() -> Coro<> {
      co_await send_until_stalled(file.get(), native);
      co_await close();
    });
    paused_ = false;
  }
  for (const bool native : {true, false}) {
    connect(kNarrow);
    send_in_blocks_only(transport_->fileno(), !native);
    loop_.run([&]() -> Coro<> {
      co_await turns(3);
      co_await expect_little_memory(
          [&]() -> Coro<> { co_await send_until_stalled(file.get(), native); });
      EXPECT_LE(transport_->get_write_buffer_size(), 64 * 1024 + 16 * 1024u);
      co_await close();
    });
    paused_ = false;
  }
}

TEST_F(MemoryTest, HalfAGiBSentToAPeerThatReadsCostsNoMoreThanTheMark) {
  constexpr std::uint64_t kWarmUp = 32 * kMiB;
  constexpr std::uint64_t kEnough = 512 * kMiB;
  connect(EndsOptions());
  const auto buffer = std::make_unique<std::array<char, 256 * 1024>>();
  std::uint64_t received = 0;
  const auto receive = [&](std::uint64_t most) -> Coro<> {
    while (received < most) {
      co_await readable(peer_->fileno());
      received += static_cast<std::uint64_t>(
          check(::recv(peer_->fileno(), buffer->data(), buffer->size(), MSG_DONTWAIT), "recv"));
    }
  };
  loop_.run([&]() -> Coro<> {
    co_await turns(3);
    offer([&](std::string_view block) { transport_->write(block); });
    co_await receive(kWarmUp);
    co_await expect_little_memory([&]() -> Coro<> { co_await receive(kEnough); });
    on_resume_ = nullptr;
    co_await close();
  });
  EXPECT_GE(offered_, kEnough);
  EXPECT_GT(pauses_, 100);
}

}  // namespace
}  // namespace asyncio
