#include "asyncio/selectors/selector_map.h"

#include <stdexcept>

#include "absl/strings/str_cat.h"

namespace asyncio {

std::optional<SelectorKey> SelectorMap::get(int fd) const {
  if (fd < 0) throw std::invalid_argument(absl::StrCat("Invalid file descriptor: ", fd));
  const Slot* slot = find(fd);
  if (slot == nullptr) return std::nullopt;
  return SelectorKey{fd, slot->events, slot->data};
}

SelectorKey SelectorMap::at(int fd) const {
  const std::optional<SelectorKey> key = get(fd);
  if (!key.has_value()) throw std::out_of_range(absl::StrCat(fd, " is not registered"));
  return *key;
}

SelectorMap::Iterator SelectorMap::begin() const noexcept { return Iterator(&slots_); }

void SelectorMap::insert(const SelectorKey& key, std::uint32_t generation) {
  const auto index = static_cast<std::size_t>(key.fd);
  if (index >= slots_.size()) slots_.resize(index + 1);
  slots_[index] = {key.data, key.events, generation};
  ++size_;
}

void SelectorMap::update(const SelectorKey& key) noexcept {
  Slot& slot = slots_[static_cast<std::size_t>(key.fd)];
  slot.data = key.data;
  slot.events = key.events;
}

void SelectorMap::erase(int fd) noexcept {
  slots_[static_cast<std::size_t>(fd)] = Slot{};
  --size_;
}

void SelectorMap::clear() noexcept {
  slots_.clear();
  size_ = 0;
}

SelectorMap::Iterator::Iterator(const std::vector<Slot>* slots) noexcept : slots_(slots) {
  skip_free_slots();
}

SelectorKey SelectorMap::Iterator::operator*() const noexcept {
  const Slot& slot = (*slots_)[index_];
  return {static_cast<int>(index_), slot.events, slot.data};
}

SelectorMap::Iterator& SelectorMap::Iterator::operator++() noexcept {
  ++index_;
  skip_free_slots();
  return *this;
}

SelectorMap::Iterator SelectorMap::Iterator::operator++(int) noexcept {
  const Iterator before = *this;
  ++*this;
  return before;
}

void SelectorMap::Iterator::skip_free_slots() noexcept {
  while (!at_end() && (*slots_)[index_].events == 0) ++index_;
}

}  // namespace asyncio
