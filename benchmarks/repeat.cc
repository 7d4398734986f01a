// Does one operation a number of times and prints the heap allocations that took: for profilers.
//
//   repeat NAME asyncio|raw COUNT
//
// Everything is warmed up by a first repetition. NAME "all" stands for every operation.

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "benchmarks/allocations.h"
#include "benchmarks/operations.h"

namespace benchmarks {
namespace {

// In several goes, as large as those of the other benchmarks at most.
void repeat(Repeat operation, int batch, int count) {
  for (; count > batch; count -= batch) operation(batch);
  operation(count);
}

int run(std::string_view name, std::string_view peer, int count) {
  int found = 0;
  for (const Operation& operation : operations()) {
    const Repeat function = peer == "raw" ? operation.raw : operation.asyncio;
    if ((name != "all" && name != operation.name) || function == nullptr) continue;
    ++found;
    repeat(function, operation.batch, count);
    const std::int64_t before = allocations();
    repeat(function, operation.batch, count);
    std::printf("%s %lld\n", operation.name, static_cast<long long>(allocations() - before));
  }
  return found > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: repeat NAME asyncio|raw COUNT\n");
    return EXIT_FAILURE;
  }
  return benchmarks::run(argv[1], argv[2], std::atoi(argv[3]));
}
