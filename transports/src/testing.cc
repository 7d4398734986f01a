#include "asyncio/transports/testing.h"

#include <exception>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "asyncio/events/exception_context.h"
#include "asyncio/events/selector_event_loop.h"
#include "asyncio/futures/errors.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/tasks/run.h"
#include "asyncio/utils/deadlock.h"
#include "transports/test/open_descriptors.h"

namespace asyncio::testing::internal {
namespace {

std::string describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (const CancelledError&) {
    return "a CancelledError";
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

bool is_std_exception(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception&) {
    return true;
  } catch (...) {
    return false;
  }
}

// Which call fails, from 1, and in which of its ways, from 0.
struct FaultPoint {
  int call;
  int way;
};
constexpr FaultPoint kNone{0, 0};

// One run of a scenario.
class Run {
 public:
  Run(StartScenario start, absl::FunctionRef<bool()> invariant, SyscallOptions options,
      FaultPoint point)
      : start_(start), invariant_(invariant), options_(options), point_(point) {}

  // Throws SyscallBug.
  void run() {
    run_with_fault();
    judge();
    if (!problems_.empty()) throw_bug();
  }

  int calls() const { return calls_; }
  int ways() const { return ways_; }

 private:
  void run_with_fault() {
    const SyscallFaults faults(point_.call, point_.way);
    try {
      SelectorEventLoop loop;
      run_on(loop);
      loop.close();
    } catch (const OsError&) {
      error_ = std::current_exception();
    }
    calls_ = faults.calls();
    ways_ = faults.ways();
    injected_ = faults.injected();
    if (const char* call = faults.stale_use()) {
      complain(call, "() was called on a descriptor that was not open");
    }
  }

  void run_on(EventLoop& loop) {
    loop.set_exception_handler(
        [this](EventLoop&, const ExceptionContext& context) { report(context); });
    run_scenario(loop);
    const SparedSyscalls spared;
    expect_signs_of_life(loop);
    ask();
  }

  void report(const ExceptionContext& context) {
    reports_.push_back(context.message);
    if (context.exception == nullptr) return;
    absl::StrAppend(&reports_.back(), ": ", describe(context.exception));
  }

  void run_scenario(EventLoop& loop) {
    const AnyTask task = start_(loop);
    TimerHandle limit = stop_later(loop);
    try {
      asyncio::internal::run_until_done(loop, task);
    } catch (...) {
      if (!late_) complain("the loop ended with ", describe(std::current_exception()));
    }
    if (late_) {
      complain("it has not ended in time; these tasks wait:\n", describe_tasks(loop));
    } else if (task.cancelled()) {
      error_ = std::make_exception_ptr(CancelledError());
    } else if (task.done()) {
      error_ = task.exception();
    }
    limit.cancel();
  }

  TimerHandle stop_later(EventLoop& loop) {
    return loop.call_later(options_.limit, [this, &loop] {
      late_ = true;
      loop.stop();
    });
  }

  // Turns, a timer, and a wake-up by another thread while nothing else happens.
  void expect_signs_of_life(EventLoop& loop) {
    if (late_) return;
    TimerHandle limit = stop_later(loop);
    std::thread waker;
    loop.call_later(std::chrono::milliseconds(1), [&] {
      waker = std::thread([&loop] { loop.call_soon_threadsafe([&loop] { loop.stop(); }); });
    });
    try {
      loop.run_forever();
    } catch (...) {
      complain("the loop did not run afterwards: ", describe(std::current_exception()));
    }
    limit.cancel();
    if (waker.joinable()) waker.join();
    if (late_) complain("the loop lives no more: it has seen no timer or no wake-up");
  }

  void ask() {
    try {
      if (!invariant_()) complain("the invariant does not hold");
    } catch (...) {
      complain("the invariant threw: ", describe(std::current_exception()));
    }
  }

  // What must not be depends on the fault.
  void judge() {
    const bool harmless = !injected_.has_value() || injected_->fault.harmless;
    if (error_ != nullptr && (harmless || !is_std_exception(error_))) {
      complain("the scenario failed: ", describe(error_));
    }
    if (harmless) {
      for (const std::string& report : reports_) complain("reported: ", report);
    }
    if (const std::vector<std::string> open = before_.still_open(options_.limit.nanoseconds());
        !open.empty()) {
      complain("left open: ", absl::StrJoin(open, ", "));
    }
  }

  [[noreturn]] void throw_bug() {
    if (!injected_.has_value()) throw SyscallBug("without any fault" + problems_, 0, "", "");
    const std::string call = injected_->call;
    const std::string fault = internal::describe(injected_->fault);
    throw SyscallBug(
        absl::StrCat("call ", point_.call, ", ", call, "(), failed with ", fault, problems_),
        point_.call, call, fault);
  }

  void complain(std::string_view problem, std::string_view detail = {}) {
    absl::StrAppend(&problems_, "\n- ", problem, detail);
  }

  const StartScenario start_;
  const absl::FunctionRef<bool()> invariant_;
  const SyscallOptions options_;
  const FaultPoint point_;
  const OpenDescriptors before_;
  std::optional<InjectedFault> injected_;
  int calls_ = 0;
  int ways_ = 0;
  std::exception_ptr error_;
  std::vector<std::string> reports_;
  std::string problems_;
  bool late_ = false;
};

}  // namespace

// How many calls there are differs from run to run, with the time they take: the last one is the
// one that a run no longer reaches.
int fail_every_syscall(StartScenario start, absl::FunctionRef<bool()> invariant,
                       SyscallOptions options) {
  asyncio::internal::check_not_in_loop("testing::fail_every_syscall()");
  const auto run = [&](FaultPoint point) {
    Run run(start, invariant, options, point);
    run.run();
    return run;
  };
  if (run(kNone).calls() == 0) {
    throw std::runtime_error(
        "the system calls of this program are not those of //transports:testing");
  }
  for (int call = 1;; ++call) {
    const int ways = run({call, 0}).ways();
    if (ways == 0) return call - 1;
    for (int way = 1; way < ways; ++way) run({call, way});
  }
}

}  // namespace asyncio::testing::internal
