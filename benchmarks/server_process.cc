#include "benchmarks/server_process.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "asyncio/selectors/os_error.h"

namespace benchmarks {
namespace {

using asyncio::check;
using asyncio::FileDescriptor;

struct Pipe {
  FileDescriptor reader;
  FileDescriptor writer;
};

Pipe make_pipe() {
  std::array<int, 2> ends;
  check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

// Between fork and exec: no memory is allocated here.
[[noreturn]] void become(const std::vector<char*>& arguments, int input, int output) {
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

int read_port(const FileDescriptor& output) {
  std::array<char, 32> line;
  const ssize_t size = ::read(output.get(), line.data(), line.size());
  int port = 0;
  if (size > 0) std::from_chars(line.data(), line.data() + size, port);
  if (port == 0) throw std::runtime_error("the echo server did not start");
  return port;
}

}  // namespace

void pin_to_core(int core) {
  if (::sysconf(_SC_NPROCESSORS_ONLN) < 2) return;
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  ::sched_setaffinity(0, sizeof cores, &cores);
}

// Not /proc/self/exe: that would be the wrapping command's own.
std::vector<std::string> server_command(std::string_view name, std::string_view wrap) {
  std::vector<std::string> command = absl::StrSplit(wrap, ' ', absl::SkipEmpty());
  command.push_back(std::filesystem::read_symlink("/proc/self/exe").string());
  command.push_back(absl::StrCat("--serve=", name));
  return command;
}

ServerProcess::ServerProcess(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  Pipe input = make_pipe();
  Pipe output = make_pipe();
  pid_ = check(::fork(), "fork");
  if (pid_ == 0) become(arguments, input.reader.get(), output.writer.get());
  input_ = std::move(input.writer);
  output.writer.close();
  port_ = read_port(output.reader);
}

ServerProcess::~ServerProcess() {
  input_.close();
  ::waitpid(pid_, nullptr, 0);
}

std::chrono::nanoseconds ServerProcess::cpu_time() const {
  clockid_t clock;
  timespec used{};
  if (::clock_getcpuclockid(pid_, &clock) != 0) return {};
  check(::clock_gettime(clock, &used), "clock_gettime");
  return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
}

// In /proc/PID/statm the kernel is wrong by some hundred kilobytes.
std::int64_t ServerProcess::memory() const {
  std::ifstream report(absl::StrCat("/proc/", pid_, "/smaps_rollup"));
  std::string word;
  while (report >> word) {
    std::int64_t kilobytes = 0;
    if (word == "Anonymous:" && report >> kilobytes) return kilobytes * 1024;
  }
  throw std::runtime_error("the echo server's memory cannot be seen");
}

}  // namespace benchmarks
