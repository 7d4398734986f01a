// Where the library says what nobody else was told: unhandled exceptions, unread failures,
// warnings.
//
// Python counterpart: the logger named "asyncio".
#ifndef ASYNCIO_EVENTS_LOGGER_H_
#define ASYNCIO_EVENTS_LOGGER_H_

#include <string_view>

#include "absl/functional/any_invocable.h"

namespace asyncio {

enum class LogSeverity { kDebug, kInfo, kWarning, kError };

// Receives one record. May be called from any thread, one record at a time. REQUIRES: it does not
// log, nor replace the sink.
using LogSink = absl::AnyInvocable<void(LogSeverity severity, std::string_view message)>;

// Replaces the sink for the whole process and returns the one it replaced. Null restores the
// default, which writes warnings and errors to standard error and drops the rest.
LogSink set_log_sink(LogSink sink);

// Writes one record. Never throws: what the sink throws is dropped.
void log(LogSeverity severity, std::string_view message) noexcept;

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_LOGGER_H_
