#include "conformance/trace.h"

#include <cstdio>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"

namespace asyncio::conformance {
namespace {

struct Entry {
  std::string name;
  void (*run)(TraceLoop&);
};

std::map<std::string, std::vector<Entry>, std::less<>>& topics() {
  static auto* topics = new std::map<std::string, std::vector<Entry>, std::less<>>();
  return *topics;
}

TraceLoop* current_loop = nullptr;

double seconds(std::chrono::nanoseconds span) {
  return std::chrono::duration<double>(span).count();
}

template <class E>
std::string with_words(std::string_view name, const E& error) {
  const std::string_view words = error.what();
  return words.empty() ? std::string(name) : absl::StrCat(name, ": ", words);
}

std::string said_of_group(std::string_view name, const BaseExceptionGroup& group) {
  return absl::StrCat(name, ": ", group.message(), " ", said(group.exceptions()));
}

}  // namespace

TraceLoop::TraceLoop() : outer_(current_loop) {
  current_loop = this;
  set_exception_handler([](EventLoop&, const ExceptionContext& context) {
    if (context.exception == nullptr) return trace("reported:", context.message);
    trace("reported:", context.message, context.exception);
  });
}

TraceLoop::~TraceLoop() {
  close();
  current_loop = outer_;
}

TraceLoop& TraceLoop::current() { return *current_loop; }

std::unique_ptr<EventLoop> make_trace_loop() { return std::make_unique<TraceLoop>(); }

std::string said(const std::exception_ptr& error) {
  if (error == nullptr) return "None";
  try {
    std::rethrow_exception(error);
  } catch (const CancelledError& e) {
    return e.message().has_value() ? absl::StrCat("CancelledError: ", *e.message())
                                   : "CancelledError";
  } catch (const FatalError& e) {
    return e.what();
  } catch (const ExceptionGroup& e) {
    return said_of_group("ExceptionGroup", e);
  } catch (const BaseExceptionGroup& e) {
    return said_of_group("BaseExceptionGroup", e);
  } catch (const InvalidStateError& e) {
    return with_words("InvalidStateError", e);
  } catch (const TimeoutError&) {
    return "TimeoutError";
  } catch (const QueueEmpty&) {
    return "QueueEmpty";
  } catch (const QueueFull&) {
    return "QueueFull";
  } catch (const QueueShutDown&) {
    return "QueueShutDown";
  } catch (const std::invalid_argument& e) {
    return with_words("ValueError", e);
  } catch (const std::out_of_range& e) {
    return with_words("LookupError", e);
  } catch (const std::runtime_error& e) {
    return with_words("RuntimeError", e);
  } catch (const std::exception& e) {
    return with_words("exception", e);
  }
}

std::string said(Duration span) {
  return span.is_infinite() ? "inf" : said(seconds(span.nanoseconds()));
}

std::string said(TimePoint time) {
  return time == TimePoint::max() ? "inf" : said(seconds(time.time_since_epoch()));
}

std::string said_list(const std::vector<std::string>& values) {
  return absl::StrCat("[", absl::StrJoin(values, ", "), "]");
}

void trace_words(const std::vector<std::string>& words) {
  std::printf("  turn %d t=%s %s\n", current_loop->turn(), said(current_loop->time()).c_str(),
              absl::StrJoin(words, " ").c_str());
}

Scenario::Scenario(std::string_view file, std::string name, void (*run)(TraceLoop&)) {
  absl::ConsumePrefix(&file, "conformance/scenarios/");
  absl::ConsumeSuffix(&file, ".cc");
  topics()[std::string(file)].push_back({std::move(name), run});
}

// Prints the trace of one topic, or without one the names of all.
int main(int argc, char** argv) {
  if (argc == 1) {
    for (const auto& [topic, scenarios] : topics()) std::printf("%s\n", topic.c_str());
    return 0;
  }
  const auto topic = topics().find(argv[1]);
  if (topic == topics().end()) {
    std::fprintf(stderr, "no such topic: %s\n", argv[1]);
    return 2;
  }
  set_log_sink([](LogSeverity, std::string_view) {});
  for (const auto& [name, run] : topic->second) {
    std::printf("%s\n", name.c_str());
    std::fflush(stdout);
    TraceLoop loop;
    run(loop);
  }
  return 0;
}

}  // namespace asyncio::conformance

int main(int argc, char** argv) { return asyncio::conformance::main(argc, argv); }
