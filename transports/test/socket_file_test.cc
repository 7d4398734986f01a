#include "transports/src/socket_file.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "asyncio/selectors/os_error.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/socket.h"
#include "events/test/child_process.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "transports/test/temporary_folder.h"

namespace asyncio::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Socket bound(const std::string& path) {
  Socket socket = Socket::open(AF_UNIX, SOCK_STREAM);
  socket.bind(SocketAddress::from_path(path));
  return socket;
}

void write_file(const std::string& path) { std::ofstream(path) << "precious"; }

std::string read_file(const std::string& path) {
  std::string text;
  std::ifstream(path) >> text;
  return text;
}

class SocketFileTest : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
  const std::string path_ = folder_.path_of("socket");
};

TEST_F(SocketFileTest, IsRemovedWithItsOwner) {
  const Socket socket = bound(path_);
  {
    const SocketFile file(path_);
    EXPECT_THAT(folder_.names(), ElementsAre("socket"));
  }
  EXPECT_THAT(folder_.names(), IsEmpty());
}

TEST_F(SocketFileTest, MayHaveGoneAlready) {
  const Socket socket = bound(path_);
  std::optional<SocketFile> file(path_);
  ::unlink(path_.c_str());
  file.reset();
  EXPECT_THAT(folder_.names(), IsEmpty());
  file.emplace(path_);
  file.reset();
}

TEST_F(SocketFileTest, StaysIfSomebodyHasReplacedIt) {
  const Socket first = bound(path_);
  std::optional<SocketFile> file(path_);
  ::unlink(path_.c_str());
  const Socket second = bound(path_);
  file.reset();
  EXPECT_THAT(folder_.names(), ElementsAre("socket"));
}

TEST_F(SocketFileTest, IsFoundWhereverTheProcessGoes) {
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder_.path());
  const Socket socket = bound("socket");
  std::optional<SocketFile> file("socket");
  std::filesystem::current_path(before);
  file.reset();
  EXPECT_THAT(folder_.names(), IsEmpty());
}

TEST_F(SocketFileTest, StaysWhenAForkedProcessDropsItsCopy) {
  const Socket socket = bound(path_);
  std::optional<SocketFile> file(path_);
  EXPECT_EQ(exit_code_of([&] {
              file.reset();
              return 0;
            }),
            0);
  EXPECT_THAT(folder_.names(), ElementsAre("socket"));
}

TEST_F(SocketFileTest, WhatAProcessThatDiedHasLeftCanBeRemoved) {
  bound(path_);
  EXPECT_TRUE(remove_socket_file(path_));
  EXPECT_THAT(folder_.names(), IsEmpty());
  EXPECT_FALSE(remove_socket_file(path_));
}

TEST_F(SocketFileTest, OnlySocketsAreRemoved) {
  write_file(path_);
  EXPECT_FALSE(remove_socket_file(path_));
  EXPECT_EQ(read_file(path_), "precious");
  EXPECT_FALSE(remove_socket_file(folder_.path()));
}

TEST_F(SocketFileTest, ASymbolicLinkIsNoSocket) {
  const Socket socket = bound(path_);
  const std::string link = folder_.path_of("link");
  std::filesystem::create_symlink(path_, link);
  EXPECT_FALSE(remove_socket_file(link));
  EXPECT_THAT(folder_.names(), ElementsAre("link", "socket"));
}

// The file comes between the look at the socket and its removal.
TEST_F(SocketFileTest, AFileThatTakesASocketsPlaceInTheMiddleIsPutBack) {
  bound(path_);
  int looks = 0;
  EXPECT_FALSE(remove_file_if(path_, [&](const struct stat& status) {
    if (++looks > 1) return S_ISSOCK(status.st_mode);
    ::unlink(path_.c_str());
    write_file(path_);
    return true;
  }));
  EXPECT_EQ(looks, 2);
  EXPECT_THAT(folder_.names(), ElementsAre("socket"));
  EXPECT_EQ(read_file(path_), "precious");
}

// Even then nothing is lost: what was moved aside has another name now.
TEST_F(SocketFileTest, AFileThatIsPutBackReplacesNothing) {
  bound(path_);
  int looks = 0;
  EXPECT_FALSE(remove_file_if(path_, [&](const struct stat&) {
    if (++looks == 1) {
      ::unlink(path_.c_str());
      write_file(path_);
      return true;
    }
    std::ofstream(path_) << "newer";
    return false;
  }));
  EXPECT_EQ(read_file(path_), "newer");
  EXPECT_EQ(folder_.names().size(), 2u);
}

}  // namespace
}  // namespace asyncio::internal
