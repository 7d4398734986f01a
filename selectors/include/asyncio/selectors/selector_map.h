// SelectorMap: who is registered with a selector, by descriptor.
//
// Descriptors are small numbers that the kernel hands out lowest first, so the map is a plain
// vector indexed by them: looking one up is one load, nothing is hashed and nothing is allocated
// once the table has grown to the largest descriptor in use.

#ifndef ASYNCIO_SELECTORS_SELECTOR_MAP_H_
#define ASYNCIO_SELECTORS_SELECTOR_MAP_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <vector>

namespace asyncio {

// Bits kEventRead and kEventWrite; no other bit is accepted.
using EventMask = unsigned;
inline constexpr EventMask kEventRead = 1;
inline constexpr EventMask kEventWrite = 2;

// What was registered. Counterpart of selectors.SelectorKey; `fileobj` is left out, as here it is
// always the fd.
struct SelectorKey {
  int fd;
  EventMask events;
  // The caller's own; never looked at.
  void* data;

  friend bool operator==(const SelectorKey&, const SelectorKey&) = default;
};

// One registration among all that a selector has seen: a descriptor closed and opened again keeps
// its number but gets another generation, which is how an event meant for the old one is told
// apart.
struct Registration {
  int fd;
  std::uint32_t generation;
};

// The read-only, live view that Selector::get_map() gives out. Counterpart of the mapping of
// BaseSelector.get_map().
class SelectorMap {
 public:
  // Visits the keys in the order of their descriptors. Adding or removing keys invalidates it.
  class Iterator;

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  // These three throw std::invalid_argument if `fd` is negative.
  bool contains(int fd) const { return get(fd).has_value(); }
  // Python's get(fd): nothing if it is not registered.
  std::optional<SelectorKey> get(int fd) const;
  // Python's map[fd]: throws std::out_of_range if it is not registered.
  SelectorKey at(int fd) const;

  Iterator begin() const noexcept;
  std::default_sentinel_t end() const noexcept { return std::default_sentinel; }

 private:
  friend class Selector;

  // Free while `events` is 0.
  struct Slot {
    void* data = nullptr;
    EventMask events = 0;
    std::uint32_t generation = 0;
  };

  SelectorMap() = default;
  SelectorMap(const SelectorMap&) = delete;
  SelectorMap& operator=(const SelectorMap&) = delete;

  // Null unless `fd` is registered; a negative one never is.
  const Slot* find(int fd) const noexcept {
    const auto index = static_cast<unsigned>(fd);
    return index < slots_.size() && slots_[index].events != 0 ? &slots_[index] : nullptr;
  }
  // REQUIRES: not registered.
  void insert(const SelectorKey& key, std::uint32_t generation);
  // REQUIRES: registered.
  void update(const SelectorKey& key) noexcept;
  // REQUIRES: registered.
  void erase(int fd) noexcept;
  void clear() noexcept;

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

class SelectorMap::Iterator {
 public:
  using value_type = SelectorKey;
  using difference_type = std::ptrdiff_t;

  Iterator() noexcept = default;

  SelectorKey operator*() const noexcept;
  Iterator& operator++() noexcept;
  Iterator operator++(int) noexcept;
  friend bool operator==(const Iterator&, const Iterator&) noexcept = default;
  friend bool operator==(const Iterator& i, std::default_sentinel_t) noexcept { return i.at_end(); }

 private:
  friend class SelectorMap;

  explicit Iterator(const std::vector<Slot>* slots) noexcept;
  bool at_end() const noexcept { return index_ == slots_->size(); }
  void skip_free_slots() noexcept;

  const std::vector<Slot>* slots_ = nullptr;
  std::size_t index_ = 0;
};

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_SELECTOR_MAP_H_
