// What counts of several runs.
#ifndef ASYNCIO_BENCHMARKS_MEDIAN_H_
#define ASYNCIO_BENCHMARKS_MEDIAN_H_

#include <algorithm>
#include <cstddef>
#include <vector>

namespace benchmarks {

// REQUIRES: !values.empty().
inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace benchmarks

#endif  // ASYNCIO_BENCHMARKS_MEDIAN_H_
