// A list whose nodes are the things themselves.
//
// Entering and leaving allocate nothing and take O(1), from anywhere in the list. A node stands in
// at most one list; destroying it takes it out.
#ifndef ASYNCIO_EVENTS_INTRUSIVE_LIST_H_
#define ASYNCIO_EVENTS_INTRUSIVE_LIST_H_

namespace asyncio {

template <class T>
class IntrusiveList;

// The base of whatever stands in such a list.
class ListNode {
 public:
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;

  // Whether the node stands in a list.
  bool linked() const noexcept { return next_ != nullptr; }

  // Leaves the list, if it stands in one.
  void unlink() noexcept {
    if (next_ == nullptr) return;
    next_->prev_ = prev_;
    prev_->next_ = next_;
    next_ = nullptr;
  }

 protected:
  ListNode() = default;
  ~ListNode() { unlink(); }

 private:
  template <class T>
  friend class IntrusiveList;

  ListNode* next_ = nullptr;  // null: in no list
  ListNode* prev_ = nullptr;
};

// A first-in first-out line of Ts, which are ListNodes. It owns none of them.
template <class T>
class IntrusiveList {
 public:
  IntrusiveList() { head_.next_ = head_.prev_ = &head_; }
  ~IntrusiveList() {
    while (!empty()) pop_front();
    head_.next_ = nullptr;
  }

  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  bool empty() const noexcept { return head_.next_ == &head_; }

  // REQUIRES: !node.linked().
  void push_back(T& node) noexcept { insert(node, *head_.prev_); }

  // REQUIRES: !empty().
  T& pop_front() noexcept {
    ListNode* node = head_.next_;
    head_.next_ = node->next_;
    node->next_->prev_ = &head_;
    node->next_ = nullptr;
    return static_cast<T&>(*node);
  }

  // Calls visit(node) for each, from the first to the last. Only the node that is visited may leave
  // meanwhile.
  template <class F>
  void for_each(F visit) {
    for (ListNode* node = head_.next_; node != &head_;) {
      ListNode* const next = node->next_;
      visit(static_cast<T&>(*node));
      node = next;
    }
  }
  template <class F>
  void for_each(F visit) const {
    for (const ListNode* node = head_.next_; node != &head_; node = node->next_) {
      visit(static_cast<const T&>(*node));
    }
  }

  // Moves all of `other` behind, or before, what is here. O(1).
  void splice_back(IntrusiveList& other) noexcept { splice(*head_.prev_, other); }
  void splice_front(IntrusiveList& other) noexcept { splice(head_, other); }

 private:
  struct Head final : ListNode {};

  static void insert(ListNode& node, ListNode& place) noexcept {
    node.prev_ = &place;
    node.next_ = place.next_;
    place.next_->prev_ = &node;
    place.next_ = &node;
  }

  // Inserts all of `other` right after `place`.
  static void splice(ListNode& place, IntrusiveList& other) noexcept {
    if (other.empty()) return;
    ListNode* first = other.head_.next_;
    ListNode* last = other.head_.prev_;
    first->prev_ = &place;
    last->next_ = place.next_;
    place.next_->prev_ = last;
    place.next_ = first;
    other.head_.next_ = other.head_.prev_ = &other.head_;
  }

  Head head_;
};

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_INTRUSIVE_LIST_H_
