// How often a program has asked the heap for memory.
//
// Linking this library replaces operator new for the whole program. What calls malloc() itself,
// such as throwing an exception, is not counted.
#ifndef ASYNCIO_BENCHMARKS_ALLOCATIONS_H_
#define ASYNCIO_BENCHMARKS_ALLOCATIONS_H_

#include <cstdint>

namespace benchmarks {

// Calls of operator new so far, on all threads.
std::int64_t allocations() noexcept;

}  // namespace benchmarks

#endif  // ASYNCIO_BENCHMARKS_ALLOCATIONS_H_
