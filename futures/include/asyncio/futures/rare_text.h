// A text that hardly anything has: a pointer's size, and memory only where there is one.
#ifndef ASYNCIO_FUTURES_RARE_TEXT_H_
#define ASYNCIO_FUTURES_RARE_TEXT_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace asyncio::internal {

// Move-only. An empty text is one, too.
class RareText {
 public:
  RareText() = default;
  explicit RareText(std::optional<std::string> text)
      : text_(text.has_value() ? std::make_unique<const std::string>(*std::move(text)) : nullptr) {}

  bool has_value() const noexcept { return text_ != nullptr; }

  // REQUIRES: has_value().
  const std::string& operator*() const noexcept { return *text_; }

  std::optional<std::string> copy() const {
    return text_ != nullptr ? std::optional(*text_) : std::nullopt;
  }

 private:
  std::unique_ptr<const std::string> text_;
};

}  // namespace asyncio::internal

#endif  // ASYNCIO_FUTURES_RARE_TEXT_H_
