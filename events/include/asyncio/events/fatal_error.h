// The errors that end a loop: KeyboardInterrupt and SystemExit.
//
// Every other exception that leaves a callback or a task is an accident of that callback or task:
// it is stored or reported, and the loop goes on. These two are requests to leave. They are stored
// in the task that raised them *and* leave run_forever(), which stays restartable.
//
// Like CancelledError they are no std::exception, as Python's are no Exception: a handler written
// for ordinary failures, `catch (const std::exception&)`, must not eat them.
//
// Python counterpart: KeyboardInterrupt, SystemExit.
#ifndef ASYNCIO_EVENTS_FATAL_ERROR_H_
#define ASYNCIO_EVENTS_FATAL_ERROR_H_

#include <exception>

namespace asyncio {

// What the two have in common. The family is closed.
class FatalError {
 public:
  virtual ~FatalError() = default;

  // A short text for logs; never null.
  virtual const char* what() const noexcept = 0;

 private:
  FatalError() = default;
  friend class KeyboardInterrupt;
  friend class SystemExit;
};

// The user pressed Ctrl-C. Thrown by run() after the main task has been cancelled by SIGINT.
class KeyboardInterrupt final : public FatalError {
 public:
  const char* what() const noexcept override { return "KeyboardInterrupt"; }
};

// Somebody asked the program to end. Thrown by user code only; the library never ends a process.
class SystemExit final : public FatalError {
 public:
  explicit SystemExit(int code = 0) : code_(code) {}

  // The exit status asked for.
  int code() const noexcept { return code_; }

  const char* what() const noexcept override { return "SystemExit"; }

 private:
  int code_;
};

// Whether `error` holds one of the two. Null holds neither. Costs one rethrow unless the platform
// lets us read the stored type.
bool is_fatal(const std::exception_ptr& error) noexcept;

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_FATAL_ERROR_H_
