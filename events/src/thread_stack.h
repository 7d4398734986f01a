// Where another thread is: its native stack.
#ifndef ASYNCIO_EVENTS_SRC_THREAD_STACK_H_
#define ASYNCIO_EVENTS_SRC_THREAD_STACK_H_

#include <pthread.h>

#include <string>
#include <vector>

#include "asyncio/selectors/duration.h"

namespace asyncio::internal {

// Does what the first look at a stack would otherwise do inside of a signal handler: it allocates.
void prepare_thread_stacks();

// The functions on the stack of `thread`, innermost first, at most 64. Interrupts the thread with
// SIGURG; empty if it does not answer within `patience`, because it blocks the signal. One caller
// at a time: others wait. REQUIRES: prepare_thread_stacks() was called; the thread lives.
std::vector<std::string> stack_of(pthread_t thread, Duration patience);

}  // namespace asyncio::internal

#endif  // ASYNCIO_EVENTS_SRC_THREAD_STACK_H_
