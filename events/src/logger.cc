#include "asyncio/events/logger.h"

#include <cstdio>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/base/const_init.h"
#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace asyncio {
namespace {

ABSL_CONST_INIT absl::Mutex mutex(absl::kConstInit);

// Never destroyed: destructors of static objects may still log.
LogSink& sink() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
  static auto* sink = new LogSink();
  return *sink;
}

void write_to_stderr(LogSeverity severity, std::string_view message) {
  if (severity < LogSeverity::kWarning) return;
  const char* name = severity == LogSeverity::kError ? "ERROR" : "WARNING";
  std::fprintf(stderr, "asyncio: %s: %.*s\n", name, static_cast<int>(message.size()),
               message.data());
}

}  // namespace

LogSink set_log_sink(LogSink replacement) {
  absl::MutexLock lock(&mutex);
  return std::exchange(sink(), std::move(replacement));
}

void log(LogSeverity severity, std::string_view message) noexcept {
  absl::MutexLock lock(&mutex);
  try {
    if (sink() != nullptr) {
      sink()(severity, message);
    } else {
      write_to_stderr(severity, message);
    }
  } catch (...) {
  }
}

}  // namespace asyncio
