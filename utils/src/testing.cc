#include "asyncio/utils/testing.h"

#include <cstddef>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "asyncio/events/activity.h"
#include "asyncio/events/exception_context.h"
#include "asyncio/events/idle_observer.h"
#include "asyncio/events/step_observer.h"
#include "asyncio/events/virtual_time_loop.h"
#include "asyncio/selectors/duration.h"
#include "asyncio/sync/lock_recorder.h"
#include "asyncio/utils/deadlock.h"

namespace asyncio::testing::internal {
namespace {

constexpr int kMostSteps = 100'000;

// In the course of a wait. What ends in the next turn anyhow has no kQuiet.
enum class Moment : unsigned char { kBegun, kQuiet, kWoken };

struct CancelPoint {
  int await;
  Moment moment;
};

// Those of one run, in order.
using CancelPoints = std::vector<CancelPoint>;

constexpr Moment kMoments[] = {Moment::kBegun, Moment::kQuiet, Moment::kWoken};

std::string describe(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& exception) {
    return exception.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

using CallStack = std::vector<FrameCallGraphEntry>;

// One run of a scenario: each of its steps ends in a co_await that waits, but for the last.
class Run final : private StepObserver, private IdleObserver {
 public:
  Run(StartScenario start, CancelPoints points, std::source_location where)
      : points_(std::move(points)), where_(where), task_(start(loop_)) {
    loop_.set_exception_handler(
        [this](EventLoop&, const ExceptionContext& context) { report(context); });
    loop_.set_step_observer(this);
    loop_.set_idle_observer(this);
  }

  ~Run() { loop_.close(); }

  // To the end, or as far as it comes. What was wrong; empty: nothing.
  std::string run(absl::FunctionRef<bool()> invariant, CancelOptions options) {
    loop_.run_forever();
    judge_ending(options);
    if (const std::string left = describe_tasks(loop_); !left.empty()) {
      complain(steps_ < kMostSteps ? "these tasks wait for ever:\n" : "these tasks go on and on:\n",
               left);
      if (const std::string locks = describe_locks(loop_); !locks.empty())
        absl::StrAppend(&problems_, "\n", locks);
    }
    ask(invariant);
    return std::exchange(problems_, {});
  }

  int awaits() const { return awaits_; }

  // The call stacks at the points that it came to.
  const std::vector<CallStack>& call_stacks() const { return call_stacks_; }

 private:
  class Loop final : public VirtualTimeLoop {
   public:
    explicit Loop(Run& run) : run_(run) {}

   private:
    void wait(std::optional<Duration> limit) override {
      if (!anything_due() && run_.is_point(Moment::kQuiet)) run_.cancel();
      VirtualTimeLoop::wait(anything_due() ? Duration::zero() : limit);
    }

    Run& run_;
  };

  void step_begins(const Activity& activity) noexcept override {
    if (++steps_ == kMostSteps) loop_.stop();
    in_scenario_ = is_scenario(activity.created);
    if (in_scenario_ && is_point(Moment::kWoken)) cancel();
  }

  void step_ended() noexcept override {
    if (!std::exchange(in_scenario_, false) || task_.done()) return;
    ++awaits_;
    if (is_point(Moment::kBegun)) cancel();
  }

  // Input and threads are waited for only as long as the scenario itself lasts.
  void loop_idles() override {
    if (task_.done() || is_deadlocked(loop_)) loop_.stop();
  }

  bool is_scenario(const std::source_location& created) const {
    return created.line() == where_.line() && created.column() == where_.column() &&
           std::string_view(created.file_name()) == where_.file_name();
  }

  bool is_point(Moment moment) const {
    if (call_stacks_.size() == points_.size() || task_.done()) return false;
    const CancelPoint& next = points_[call_stacks_.size()];
    return next.await == awaits_ && next.moment == moment;
  }

  bool cancelled() const { return !call_stacks_.empty(); }

  // The outermost coroutine is the one that owns the scenario.
  void cancel() {
    call_stacks_.push_back(capture_call_graph(task_).call_stack);
    call_stacks_.back().pop_back();
    task_.cancel();
  }

  void judge_ending(CancelOptions options) {
    if (!task_.done()) return;
    if (task_.cancelled()) {
      if (!cancelled()) complain("the scenario ended with a CancelledError of its own making");
    } else if (const std::exception_ptr error = task_.exception()) {
      complain("the scenario failed: ", describe(error));
    } else if (cancelled() && !options.may_complete) {
      complain("the scenario swallowed the cancellation and completed");
    }
  }

  void ask(absl::FunctionRef<bool()> invariant) {
    try {
      if (!invariant()) complain("the invariant does not hold");
    } catch (...) {
      complain("the invariant threw: ", describe(std::current_exception()));
    }
  }

  void report(const ExceptionContext& context) {
    complain("reported: ", context.message);
    if (context.exception != nullptr)
      absl::StrAppend(&problems_, ": ", describe(context.exception));
  }

  void complain(std::string_view problem, std::string_view detail = {}) {
    absl::StrAppend(&problems_, "\n- ", problem, detail);
  }

  CancelPoints points_;
  std::source_location where_;
  std::vector<CallStack> call_stacks_;
  std::string problems_;
  int steps_ = 0;
  int awaits_ = 0;
  bool in_scenario_ = false;
  Loop loop_{*this};
  LockRecorder recorder_;
  AnyTask task_;
};

// When and where: "at await 3, as it began to wait, at sync.cc:7, from main.cc:12".
std::string describe(const CancelPoint& point, const CallStack& call_stack) {
  static constexpr const char* kWords[] = {"as it began to wait", "while everything waited",
                                           "woken but not yet running"};
  const auto append_place = [](std::string* text, const FrameCallGraphEntry& frame) {
    *text += to_string(frame.place);
  };
  return absl::StrCat("at await ", point.await, ", ", kWords[static_cast<int>(point.moment)],
                      ", at ", absl::StrJoin(call_stack, ", from ", append_place));
}

std::string heading(const CancelPoints& points, const std::vector<CallStack>& call_stacks) {
  if (call_stacks.empty()) return "without any cancellation";
  std::string text = "cancelled ";
  for (std::size_t i = 0; i < call_stacks.size(); ++i)
    absl::StrAppend(&text, i > 0 ? "\nand again " : "", describe(points[i], call_stacks[i]));
  return text;
}

// What the same scenario is asked each time.
struct Trial {
  StartScenario start;
  absl::FunctionRef<bool()> invariant;
  CancelOptions options;
  std::source_location where;
};

// How many awaits there were.
int run_once(const Trial& trial, const CancelPoints& points) {
  Run run(trial.start, points, trial.where);
  const std::string problems = run.run(trial.invariant, trial.options);
  if (problems.empty()) return run.awaits();
  const std::vector<CallStack>& stacks = run.call_stacks();
  if (stacks.empty()) throw CancellationBug(heading(points, stacks) + problems, 0, {});
  throw CancellationBug(heading(points, stacks) + problems, points[0].await, stacks[0]);
}

// Of a run that has been cancelled at `first` and then went on to await number `last`.
void cancel_again(const Trial& trial, CancelPoint first, int last) {
  for (int await = first.await; await <= last; ++await) {
    for (const Moment moment : kMoments) run_once(trial, {first, {await, moment}});
  }
}

}  // namespace

int cancel_at_every_await(StartScenario start, absl::FunctionRef<bool()> invariant,
                          CancelOptions options, std::source_location where) {
  const Trial trial{start, invariant, options, where};
  const int awaits = run_once(trial, {});
  for (int await = 1; await <= awaits; ++await) {
    for (const Moment moment : kMoments) {
      const CancelPoint point{await, moment};
      const int last = run_once(trial, {point});
      if (options.twice) cancel_again(trial, point, last);
    }
  }
  return awaits;
}

}  // namespace asyncio::testing::internal
