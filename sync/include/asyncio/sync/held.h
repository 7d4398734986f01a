// Held: a lock, or a permit, that is released at the end of the scope.
//
// It may outlive what it releases, as happens to tasks that run() cancels when the coroutine that
// owns the lock has ended: then there is nothing to release. So the lock knows its Helds.
#ifndef ASYNCIO_SYNC_HELD_H_
#define ASYNCIO_SYNC_HELD_H_

namespace asyncio {

class HolderList;

// A node in the list of those who hold something.
class Holder {
 public:
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

 protected:
  explicit Holder(HolderList& list) noexcept;
  ~Holder();

  // Whether what is held still exists.
  bool holds() const noexcept { return list_ != nullptr; }

 private:
  friend class HolderList;

  HolderList* list_;
  Holder* previous_ = nullptr;
  Holder* next_;
};

class HolderList {
 public:
  HolderList() = default;
  ~HolderList() {
    for (Holder* holder = first_; holder != nullptr; holder = holder->next_)
      holder->list_ = nullptr;
  }

  HolderList(const HolderList&) = delete;
  HolderList& operator=(const HolderList&) = delete;

 private:
  friend class Holder;

  Holder* first_ = nullptr;
};

// What `co_await scoped(lock)` gives. Can be neither copied nor moved. Releases nothing if the lock
// is gone, or is not locked any more.
template <class L>
class [[nodiscard("released at once unless it has a name")]] Held : private Holder {
 public:
  explicit Held(L& lock) noexcept : Holder(lock.holders_), lock_(lock) {}
  ~Held() {
    if (holds()) lock_.release_held();
  }

 private:
  L& lock_;
};

// Implementation.

inline Holder::Holder(HolderList& list) noexcept : list_(&list), next_(list.first_) {
  if (next_ != nullptr) next_->previous_ = this;
  list.first_ = this;
}

inline Holder::~Holder() {
  if (list_ == nullptr) return;
  (previous_ != nullptr ? previous_->next_ : list_->first_) = next_;
  if (next_ != nullptr) next_->previous_ = previous_;
}

}  // namespace asyncio

#endif  // ASYNCIO_SYNC_HELD_H_
