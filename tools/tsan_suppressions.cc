// Read by ThreadSanitizer before main(). Abseil's per-thread semaphores hand a thread over in a way
// that TSan cannot follow; the races it would report there are none.
extern "C" const char* __tsan_default_suppressions();

const char* __tsan_default_suppressions() {
  return "race:AbslInternalPerThreadSemPost\n"
         "race:AbslInternalPerThreadSemWait\n"
         "race:absl::synchronization_internal::Waiter\n";
}
