// What is written after the connection was lost.
#ifndef ASYNCIO_TRANSPORTS_DROPPED_WRITES_H_
#define ASYNCIO_TRANSPORTS_DROPPED_WRITES_H_

namespace asyncio {

// Counts such writes, which are dropped: the first four in silence. CPython has
// LOG_THRESHOLD_FOR_CONNLOST_WRITES for it.
class DroppedWrites {
 public:
  // One more; whether to warn of it.
  bool add() {
    if (count_ < kFirstOfWhichToWarn) ++count_;
    return count_ == kFirstOfWhichToWarn;
  }

 private:
  static constexpr signed char kFirstOfWhichToWarn = 5;

  signed char count_ = 0;
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_DROPPED_WRITES_H_
