// The code of the tutorial on tasks and cancellation, in its order: one program, step by step.

// [head]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/asyncio.h"

using asyncio::Coro;
using namespace std::chrono_literals;
// [head]

#include <memory>

#include "gtest/gtest.h"

namespace docs_tasks_tutorial {
namespace {

// As main() runs it, but in time that passes at once. Gives what it prints.
template <class F, class... Args>
std::string printed_by(F step, Args... arguments) {
  asyncio::Runner runner({.loop_factory = []() -> std::unique_ptr<asyncio::EventLoop> {
    return std::make_unique<asyncio::VirtualTimeLoop>();
  }});
  testing::internal::CaptureStdout();
  runner.run(step, arguments...);
  runner.close();
  return testing::internal::GetCapturedStdout();
}

using Stations = std::vector<std::string>;

// [measure]
// A station answers after as many tenths of a second as its name has letters.
Coro<int> measure(std::string station) {
  co_await asyncio::sleep(std::chrono::milliseconds(100 * station.size()));
  if (station == "nowhere") throw std::runtime_error("there is no station " + station);
  co_return static_cast<int>(station.size());
}

Coro<> print(std::string station) {
  const int degrees = co_await measure(station);
  std::printf("%s: %d degrees\n", station.c_str(), degrees);
}
// [measure]

// [tasks]
Coro<> print_two() {
  asyncio::Task<> harbour = asyncio::create_task(print("harbour"));
  asyncio::Task<> sea = asyncio::create_task(print("sea"));
  co_await harbour;
  co_await sea;
}
// [tasks]

TEST(TasksTutorialTest, PrintsTwo) {
  EXPECT_EQ(printed_by(print_two), "sea: 3 degrees\nharbour: 7 degrees\n");
}

// [group]
Coro<> print_all(std::vector<std::string> stations) {
  co_await asyncio::with(asyncio::TaskGroup(), [&](asyncio::TaskGroup& group) {
    for (const std::string& station : stations) group.create_task(print(station));
  });
  std::puts("all have been printed");
}
// [group]

TEST(TasksTutorialTest, PrintsAll) {
  EXPECT_EQ(printed_by(print_all, Stations{"harbour", "sea", "hill"}),
            "sea: 3 degrees\nhill: 4 degrees\nharbour: 7 degrees\nall have been printed\n");
}

// [failure]
Coro<> print_or_tell(std::vector<std::string> stations) {
  try {
    co_await print_all(std::move(stations));
  } catch (const asyncio::ExceptionGroup& failures) {
    std::puts(failures.what());
  }
}
// [failure]

TEST(TasksTutorialTest, TellsFailures) {
  EXPECT_EQ(printed_by(print_or_tell, Stations{"lighthouse", "sea", "nowhere"}),
            "sea: 3 degrees\n"
            "unhandled errors in a TaskGroup (1 sub-exception)\n"
            "  1: there is no station nowhere\n");
}

// [gather]
Coro<> print_warmest(std::vector<std::string> stations) {
  const std::vector<int> degrees =
      co_await asyncio::gather(stations | std::views::transform(measure));
  std::printf("%d degrees at most\n", *std::ranges::max_element(degrees));
}
// [gather]

// [outcomes]
Coro<> count_answers(std::vector<std::string> stations) {
  const std::vector<asyncio::Outcome<int>> answers = co_await asyncio::gather(
      asyncio::return_exceptions, stations | std::views::transform(measure));
  const auto count = std::ranges::count_if(
      answers, [](const asyncio::Outcome<int>& answer) { return answer.has_value(); });
  std::printf("%d of %zu have answered\n", static_cast<int>(count), answers.size());
}
// [outcomes]

TEST(TasksTutorialTest, Gathers) {
  EXPECT_EQ(printed_by(print_warmest, Stations{"harbour", "sea", "hill"}), "7 degrees at most\n");
  EXPECT_EQ(printed_by(count_answers, Stations{"harbour", "nowhere"}), "1 of 2 have answered\n");
}

// [wait_for]
Coro<> print_if_quick(std::string station) {
  try {
    const int degrees = co_await asyncio::wait_for(measure(station), 500ms);
    std::printf("%s: %d degrees\n", station.c_str(), degrees);
  } catch (const asyncio::TimeoutError&) {
    std::printf("%s is slow\n", station.c_str());
  }
}
// [wait_for]

// [timeout]
Coro<> print_the_quick(std::vector<std::string> stations) {
  try {
    co_await asyncio::with(asyncio::timeout(500ms), [&]() { return print_all(stations); });
  } catch (const asyncio::TimeoutError&) {
    std::puts("the others are slow");
  }
}
// [timeout]

TEST(TasksTutorialTest, LimitsTime) {
  EXPECT_EQ(printed_by(print_if_quick, "hill"), "hill: 4 degrees\n");
  EXPECT_EQ(printed_by(print_if_quick, "harbour"), "harbour is slow\n");
  EXPECT_EQ(printed_by(print_the_quick, Stations{"harbour", "sea", "hill"}),
            "sea: 3 degrees\nhill: 4 degrees\nthe others are slow\n");
}

// [notebook]
// Closing it takes a while.
class Notebook {
 public:
  void enter() { std::puts("the notebook is open"); }
  Coro<> exit(std::exception_ptr) {
    co_await asyncio::sleep(100ms);
    std::puts("the notebook is closed");
  }
  Coro<> write(std::string line) {
    co_await asyncio::sleep(100ms);
    std::puts(line.c_str());
  }
};

Coro<> watch(std::string station) {
  co_await asyncio::with(Notebook(), [&](Notebook& notebook) -> Coro<> {
    while (true) {
      const int degrees = co_await measure(station);
      co_await notebook.write(station + ": " + std::to_string(degrees));
    }
  });
}
// [notebook]

// [cancel]
Coro<> watch_for_a_second() {
  asyncio::Task<> watching = asyncio::create_task(watch("sea"));
  co_await asyncio::sleep(1s);
  watching.cancel();
  try {
    co_await watching;
  } catch (const asyncio::CancelledError&) {
    std::puts("the watch has ended");
  }
}
// [cancel]

TEST(TasksTutorialTest, CleansUp) {
  EXPECT_EQ(printed_by(watch_for_a_second),
            "the notebook is open\nsea: 3\nsea: 3\nthe notebook is closed\nthe watch has ended\n");
}

// [shield]
Coro<> write_whole_line(Notebook* notebook, std::string line) {
  asyncio::Task<> writing = asyncio::create_task(notebook->write(std::move(line)));
  std::exception_ptr cancelled;
  try {
    co_await asyncio::shield(writing);
  } catch (const asyncio::CancelledError&) {
    cancelled = std::current_exception();
  }
  co_await writing;
  if (cancelled != nullptr) std::rethrow_exception(cancelled);
}
// [shield]

Coro<> interrupt_writing() {
  Notebook notebook;
  asyncio::Task<> writing = asyncio::create_task(write_whole_line(&notebook, "a whole line"));
  co_await asyncio::sleep(50ms);
  writing.cancel();
  try {
    co_await writing;
  } catch (const asyncio::CancelledError&) {
    std::puts("and then no more");
  }
}

TEST(TasksTutorialTest, Shields) {
  EXPECT_EQ(printed_by(interrupt_writing), "a whole line\nand then no more\n");
}

// [queue]
struct Reading {
  std::string station;
  int degrees;
};

Coro<> feed(std::string station, asyncio::Queue<Reading>* readings) {
  for (int i = 0; i < 2; ++i) {
    const int degrees = co_await measure(station);
    Reading reading{station, degrees};
    co_await readings->put(std::move(reading));  // waits while the queue is full
  }
}

Coro<> feed_all(std::vector<std::string> stations, asyncio::Queue<Reading>* readings) {
  co_await asyncio::with(asyncio::TaskGroup(), [&](asyncio::TaskGroup& group) {
    for (const std::string& station : stations) group.create_task(feed(station, readings));
  });
  readings->shutdown();
}

Coro<> collect(asyncio::Queue<Reading>* readings) {
  int count = 0;
  try {
    while (true) {
      const Reading reading = co_await readings->get();
      std::printf("%s: %d\n", reading.station.c_str(), reading.degrees);
      ++count;
    }
  } catch (const asyncio::QueueShutDown&) {
    std::printf("%d readings\n", count);
  }
}

Coro<> collect_from(std::vector<std::string> stations) {
  asyncio::Queue<Reading> readings({.maxsize = 2});
  co_await asyncio::with(asyncio::TaskGroup(), [&](asyncio::TaskGroup& group) {
    group.create_task(feed_all(stations, &readings));
    group.create_task(collect(&readings));
  });
}
// [queue]

TEST(TasksTutorialTest, Collects) {
  EXPECT_EQ(printed_by(collect_from, Stations{"sea", "hill"}),
            "sea: 3\nhill: 4\nsea: 3\nhill: 4\n4 readings\n");
}

// [end]
Coro<> tick() {
  try {
    while (true) {
      co_await asyncio::sleep(300ms);
      std::puts("tick");
    }
  } catch (const asyncio::CancelledError&) {
    std::puts("no more ticks");
    throw;
  }
}

Coro<> tick_and_print() {
  asyncio::create_task(tick());
  co_await print("harbour");
}
// [end]

TEST(TasksTutorialTest, EndsInGoodOrder) {
  EXPECT_EQ(printed_by(tick_and_print), "tick\ntick\nharbour: 7 degrees\nno more ticks\n");
}

// [program]
Coro<> report() {
  asyncio::create_task(tick());
  std::vector<std::string> stations{"harbour", "sea", "hill"};
  co_await print_the_quick(stations);
  co_await collect_from(stations);
  co_await watch_for_a_second();
}
// [program]

TEST(TasksTutorialTest, Reports) {
  const std::string output = printed_by(report);
  EXPECT_NE(output.find("6 readings\n"), std::string::npos) << output;
  EXPECT_TRUE(output.ends_with("the watch has ended\nno more ticks\n")) << output;
}

}  // namespace
}  // namespace docs_tasks_tutorial
