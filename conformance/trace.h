// Scenarios that tell what they do: who ran, in which turn, when, and with what outcome. Its twin
// is trace.py.
#ifndef CONFORMANCE_TRACE_H_
#define CONFORMANCE_TRACE_H_

#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

#include "asyncio/asyncio.h"

namespace asyncio::conformance {

// Counts its turns and traces what is reported to it. While it lives it is the one whose turns and
// time are traced.
class TraceLoop : public VirtualTimeLoop {
 public:
  TraceLoop();
  ~TraceLoop() override;

  static TraceLoop& current();

  int turn() const { return turn_; }

 protected:
  void run_once(std::optional<Duration> limit) override {
    ++turn_;
    VirtualTimeLoop::run_once(limit);
  }

 private:
  TraceLoop* const outer_;
  int turn_ = 0;
};

// For RunnerOptions.
std::unique_ptr<EventLoop> make_trace_loop();

// The value in the words that both languages use.
std::string said(const std::exception_ptr& error);
std::string said(Duration span);
std::string said(TimePoint time);
inline std::string said(bool value) { return value ? "True" : "False"; }
inline std::string said(std::string_view words) { return std::string(words); }
inline std::string said(const std::string& words) { return words; }
inline std::string said(const char* words) { return words; }
inline std::string said(std::monostate) { return "None"; }
inline std::string said(std::nullopt_t) { return "None"; }
template <class T>
  requires(std::is_arithmetic_v<T> && !std::same_as<T, bool>)
std::string said(T number) {
  std::ostringstream words;
  words << number;
  return words.str();
}
template <class T>
std::string said(const std::optional<T>& value) {
  return value.has_value() ? said(*value) : "None";
}
std::string said_list(const std::vector<std::string>& values);
template <class T>
std::string said(const Outcome<T>& outcome) {
  if (outcome.exception() != nullptr) return said(outcome.exception());
  if constexpr (std::is_void_v<T>) {
    return said(std::nullopt);
  } else {
    return said(outcome.value());
  }
}
template <class T>
std::string said(const std::vector<T>& values) {
  std::vector<std::string> words;
  for (const T& value : values) words.push_back(said(value));
  return said_list(words);
}
template <class... T>
std::string said(const std::tuple<T...>& values) {
  return std::apply([](const T&... value) { return said_list({said(value)...}); }, values);
}

void trace_words(const std::vector<std::string>& words);

// Prints one line: the turn, the time, the words.
template <class... Words>
void trace(const Words&... words) {
  trace_words({said(words)...});
}

// Traces what `function()` gives or raises.
template <class F>
void tried(std::string_view who, F function) {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<F&>>) {
      function();
      trace(who, "gave", std::nullopt);
    } else {
      trace(who, "gave", function());
    }
  } catch (...) {
    trace(who, "raised", std::current_exception());
  }
}

// What `function()` gives when it is awaited.
template <class F>
struct ResultOf {
  using type = internal::AwaitResult<std::invoke_result_t<F&>>;
};
template <CoroutineFunction F>
struct ResultOf<F> {
  using type = CoroutineResult<F>;
};

// Traces what awaiting `function()` gives or raises. It captures by reference only: see
// docs/explanation/gcc12.md.
template <std::invocable F>
Coro<> waited(std::string who, F function) {
  try {
    if constexpr (std::is_void_v<typename ResultOf<F>::type>) {
      co_await function();
      trace(who, "gave", std::nullopt);
    } else {
      auto value = co_await function();
      trace(who, "gave", value);
    }
  } catch (...) {
    trace(who, "raised", std::current_exception());
  }
}

// The same of a future or task.
template <class T>
Coro<> waited(std::string who, Future<T> future) {
  auto wait = [&]() -> Coro<T> { co_return co_await future; };
  co_await waited(std::move(who), wait);
}

// Where a scenario registers itself; the file names its topic.
struct Scenario {
  Scenario(std::string_view file, std::string name, void (*run)(TraceLoop&));
};

// The main task of a loop: SCENARIO(name) { ...; co_return; }
#define SCENARIO(name)                                                                    \
  Coro<> name();                                                                          \
  const Scenario name##_entry(__FILE__, #name,                                            \
                              [](TraceLoop& loop) { run_until_complete(loop, name()); }); \
  Coro<> name()

// With a loop that does not run: LOOP_SCENARIO(name) { loop.run_forever(); }
#define LOOP_SCENARIO(name)                           \
  void name(TraceLoop& loop);                         \
  const Scenario name##_entry(__FILE__, #name, name); \
  void name([[maybe_unused]] TraceLoop& loop)

}  // namespace asyncio::conformance

#endif  // CONFORMANCE_TRACE_H_
