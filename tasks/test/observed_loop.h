// A loop in virtual time that counts its turns and keeps what is reported to it.
#ifndef TASKS_TEST_OBSERVED_LOOP_H_
#define TASKS_TEST_OBSERVED_LOOP_H_

#include <vector>

#include "asyncio/events/exception_context.h"
#include "asyncio/events/virtual_time_loop.h"
#include "asyncio/tasks/run.h"

namespace asyncio {

class ObservedLoop : public VirtualTimeLoop {
 public:
  ObservedLoop() {
    set_exception_handler(
        [this](EventLoop&, const ExceptionContext& context) { reports_.push_back(context); });
  }
  ~ObservedLoop() override { close(); }

  // Turns begun so far.
  int turns() const { return turns_; }

  const std::vector<ExceptionContext>& reports() const { return reports_; }

  // Runs the coroutine function to its end; it may capture by reference.
  template <class F>
  auto run(F main) {
    return run_until_complete(*this, main());
  }

  // Lets everything run that is due, and what that makes due, until only timers are left.
  void settle() {
    for (int turn = 0; turn < 100; ++turn) {
      stop();
      run_forever();
    }
  }

 protected:
  void run_once(std::optional<Duration> limit) override {
    ++turns_;
    VirtualTimeLoop::run_once(limit);
  }

 private:
  int turns_ = 0;
  std::vector<ExceptionContext> reports_;
};

}  // namespace asyncio

#endif  // TASKS_TEST_OBSERVED_LOOP_H_
