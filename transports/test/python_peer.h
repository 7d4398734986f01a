// A peer that shares nothing with us: a Python program in a process of its own.
#ifndef TRANSPORTS_TEST_PYTHON_PEER_H_
#define TRANSPORTS_TEST_PYTHON_PEER_H_

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>

#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"

namespace asyncio {

class PythonPeer {
 public:
  // `argument` is sys.argv[1].
  explicit PythonPeer(const std::string& program, const std::string& argument = "") {
    std::array<int, 2> ends{};
    check(::pipe2(ends.data(), O_CLOEXEC), "pipe2");
    output_.reset(ends[0]);
    const FileDescriptor theirs(ends[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDOUT_FILENO);
    std::string name = "python3";
    std::string isolated = "-I";
    std::string command = "-c";
    std::string code = program;
    std::string parameter = argument;
    const std::array<char*, 6> arguments = {name.data(), isolated.data(),  command.data(),
                                            code.data(), parameter.data(), nullptr};
    const int error =
        ::posix_spawnp(&process_, name.c_str(), &actions, nullptr, arguments.data(), environ);
    ::posix_spawn_file_actions_destroy(&actions);
    if (error != 0) throw_os_error(error, "posix_spawnp python3");
  }
  PythonPeer(const PythonPeer&) = delete;
  PythonPeer& operator=(const PythonPeer&) = delete;
  ~PythonPeer() {
    if (process_ == 0) return;
    ::kill(process_, SIGKILL);
    wait();
  }

  // What it prints next, without the line feed. Blocks.
  std::string read_line() const {
    std::string line;
    char byte = 0;
    while (check(::read(output_.get(), &byte, 1), "read") == 1 && byte != '\n') line += byte;
    return line;
  }

  // Its exit code; -1 if it was killed. Blocks.
  int wait() {
    int status = 0;
    check(::waitpid(process_, &status, 0), "waitpid");
    process_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  // Whether it has ended; then wait() does not block.
  bool has_ended() const {
    siginfo_t information{};
    check(::waitid(P_PID, static_cast<id_t>(process_), &information, WEXITED | WNOHANG | WNOWAIT),
          "waitid");
    return information.si_pid != 0;
  }

 private:
  pid_t process_ = 0;
  FileDescriptor output_;
};

}  // namespace asyncio

#endif  // TRANSPORTS_TEST_PYTHON_PEER_H_
