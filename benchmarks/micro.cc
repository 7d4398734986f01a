// Processor time and heap allocations of one operation, ours beside one written by hand, in one
// run.
//
// All flags of Google Benchmark work. After its own report comes a table of the ratios.

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "benchmarks/allocations.h"
#include "benchmarks/operations.h"

namespace benchmarks {
namespace {

constexpr char kRaw[] = "/raw";
constexpr char kAsyncio[] = "/asyncio";

void measure(benchmark::State& state, Repeat repeat, int batch) {
  repeat(batch);  // warm
  const std::int64_t before = allocations();
  while (state.KeepRunningBatch(batch)) repeat(batch);
  const auto made = static_cast<double>(allocations() - before);
  state.counters["allocations"] = made / static_cast<double>(state.iterations());
}

void register_operation(const Operation& operation) {
  const auto add = [&operation](const char* peer, Repeat repeat) {
    auto* made = benchmark::RegisterBenchmark(absl::StrCat(operation.name, peer).c_str(), measure,
                                              repeat, operation.batch);
    operation.waits ? made->UseRealTime() : made->MeasureProcessCPUTime();
  };
  if (operation.raw != nullptr) add(kRaw, operation.raw);
  add(kAsyncio, operation.asyncio);
}

// Google Benchmark's report, and the fastest run of each benchmark: noise only ever adds.
class RatioReporter : public benchmark::ConsoleReporter {
 public:
  RatioReporter() : ConsoleReporter(OO_None) {}

  void ReportRuns(const std::vector<Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const Run& run : runs) {
      if (run.run_type == Run::RT_Iteration && !run.error_occurred) keep(run);
    }
  }

  void print_ratios() const {
    std::printf(
        "\n| operation | raw ns | asyncio ns | ratio | allocations |\n|---|---|---|---|---|\n");
    for (const Operation& operation : operations()) print_ratio(operation.name);
  }

 private:
  struct Best {
    double nanoseconds;
    double allocations;
  };

  void keep(const Run& run) {
    const bool waits = run.run_name.time_type == "real_time";
    const double time = waits ? run.GetAdjustedRealTime() : run.GetAdjustedCPUTime();
    const Best best{time, run.counters.at("allocations").value};
    const auto [place, is_new] = best_.try_emplace(run.run_name.function_name, best);
    if (!is_new && time < place->second.nanoseconds) place->second = best;
  }

  void print_ratio(const std::string& name) const {
    const auto ours = best_.find(name + kAsyncio);
    const auto raw = best_.find(name + kRaw);
    if (ours == best_.end()) return;
    const auto& [time, allocations] = ours->second;
    if (raw == best_.end()) {
      std::printf("| %s | - | %.1f | - | %.2f |\n", name.c_str(), time, allocations);
    } else {
      std::printf("| %s | %.1f | %.1f | %.2f | %.2f |\n", name.c_str(), raw->second.nanoseconds,
                  time, time / raw->second.nanoseconds, allocations);
    }
  }

  std::map<std::string, Best> best_;
};

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
  for (const auto& operation : benchmarks::operations()) benchmarks::register_operation(operation);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmarks::RatioReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  reporter.print_ratios();
  benchmark::Shutdown();
}
