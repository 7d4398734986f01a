// What a test leaves open.
#ifndef TRANSPORTS_TEST_OPEN_DESCRIPTORS_H_
#define TRANSPORTS_TEST_OPEN_DESCRIPTORS_H_

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "absl/base/config.h"

namespace asyncio {

// The descriptors that were open when this was made, each as the kernel calls it, such as
// "socket:[4711]". A count would not do: a thread of the resolver that has answered an earlier test
// lets go of that test's loop a moment later.
class OpenDescriptors {
 public:
  // What is open now and was not then.
  std::vector<std::string> opened_since() const {
    const std::vector<std::string> now = list();
    std::vector<std::string> opened;
    std::set_difference(now.begin(), now.end(), then_.begin(), then_.end(),
                        std::back_inserter(opened));
    return opened;
  }

  // The same once other threads have let go of what is theirs.
  std::vector<std::string> still_open(
      std::chrono::nanoseconds patience = std::chrono::seconds(10)) const {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!opened_since().empty() && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return opened_since();
  }

 private:
  // TSan starts its symbolizer, with two pipes, when it first meets a race, be it one that it is
  // told to suppress: in the middle of a test, and it never ends it.
  static bool is_sanitizers([[maybe_unused]] const std::string& name) {
#ifdef ABSL_HAVE_THREAD_SANITIZER
    return name.starts_with("pipe:");
#else
    return false;
#endif
  }

  // Sorted. The descriptor that reads the folder is closed by then and has no name.
  static std::vector<std::string> list() {
    std::vector<std::filesystem::path> links;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
      links.push_back(entry.path());
    }
    std::vector<std::string> names;
    for (const std::filesystem::path& link : links) {
      std::error_code closed;
      std::filesystem::path name = std::filesystem::read_symlink(link, closed);
      if (!closed && !is_sanitizers(name.string())) names.push_back(std::move(name));
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  const std::vector<std::string> then_ = list();
};

}  // namespace asyncio

#endif  // TRANSPORTS_TEST_OPEN_DESCRIPTORS_H_
