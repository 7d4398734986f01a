// Collects what the library logs while it lives.

#ifndef ASYNCIO_EVENTS_TEST_CAPTURED_LOG_H_
#define ASYNCIO_EVENTS_TEST_CAPTURED_LOG_H_

#include <atomic>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/events/logger.h"

namespace asyncio {

class CapturedLog {
 public:
  CapturedLog()
      : replaced_(set_log_sink([this](LogSeverity severity, std::string_view message) {
          severities.push_back(severity);
          messages.emplace_back(message);
          ++count;
        })) {}
  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;
  ~CapturedLog() { set_log_sink(std::move(replaced_)); }

  // To be read when nobody logs any more.
  std::vector<LogSeverity> severities;
  std::vector<std::string> messages;
  // Of `messages`: to be read at any time.
  std::atomic<int> count = 0;

 private:
  LogSink replaced_;
};

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_TEST_CAPTURED_LOG_H_
