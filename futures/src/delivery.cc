#include "asyncio/futures/delivery.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "asyncio/events/loop_local.h"

namespace asyncio::internal {

// Those of one loop.
class ExpectedDeliveries {
 public:
  explicit ExpectedDeliveries(EventLoop&) {}
  ~ExpectedDeliveries() {
    for (const auto& delivery : deliveries_) {
      delivery->expected_ = false;
      delivery->drop();
    }
  }

  static LoopLocal<ExpectedDeliveries>& by_loop() {
    static auto* all = new LoopLocal<ExpectedDeliveries>();
    return *all;
  }
  static ExpectedDeliveries& of(EventLoop& loop) { return by_loop().of(loop); }

  bool any() const noexcept { return !deliveries_.empty(); }
  void add(std::shared_ptr<Delivery> delivery) { deliveries_.insert(std::move(delivery)); }
  void remove(const std::shared_ptr<Delivery>& delivery) { deliveries_.erase(delivery); }

 private:
  absl::flat_hash_set<std::shared_ptr<Delivery>> deliveries_;
};

void Delivery::expect(EventLoop& loop) {
  loop_ = &loop;
  inbox_ = loop.inbox();
  ExpectedDeliveries::of(loop).add(shared_from_this());
  expected_ = true;
}

bool Delivery::expected_by(EventLoop& loop) {
  const ExpectedDeliveries* expected = ExpectedDeliveries::by_loop().find(loop);
  return expected != nullptr && expected->any();
}

void Delivery::withdraw() noexcept {
  if (!std::exchange(expected_, false)) return;
  const std::shared_ptr<Delivery> self = shared_from_this();
  ExpectedDeliveries::of(*loop_).remove(self);
  drop();
}

void Delivery::send() noexcept {
  self_ = shared_from_this();
  if (!inbox_->post(*this)) abandon();
}

void Delivery::run() {
  const std::shared_ptr<Delivery> self = std::move(self_);
  if (!std::exchange(expected_, false)) return;
  ExpectedDeliveries::of(*loop_).remove(self);
  deliver();
}

void Delivery::abandon() noexcept { const std::shared_ptr<Delivery> last = std::move(self_); }

}  // namespace asyncio::internal
