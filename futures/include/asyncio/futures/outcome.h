// Outcome<T>: how something ended, a value or an exception. Empty until it has ended.
//
// It lets code look at a failure after the handler, where C++ allows no co_await:
//
//   Outcome<Page> page;
//   try {
//     page.set_value(co_await fetch(url));
//   } catch (...) {
//     page.set_exception(std::current_exception());
//   }
//   if (page.exception() != nullptr) co_await report(url);
#ifndef ASYNCIO_FUTURES_OUTCOME_H_
#define ASYNCIO_FUTURES_OUTCOME_H_

#include <cstddef>
#include <exception>
#include <utility>
#include <variant>

namespace asyncio {

template <class T>
class Outcome {
 public:
  // Empty.
  Outcome() = default;

  // Replaces what was there.
  template <class U>
  void set_value(U&& value) {
    state_.template emplace<kValue>(std::forward<U>(value));
  }
  void set_exception(std::exception_ptr error) {
    state_.template emplace<kError>(std::move(error));
  }

  bool empty() const noexcept { return state_.index() == kEmpty; }
  bool has_value() const noexcept { return state_.index() == kValue; }

  // The exception, or null.
  std::exception_ptr exception() const noexcept {
    const auto* error = std::get_if<kError>(&state_);
    return error != nullptr ? *error : nullptr;
  }

  // The value; throws the exception if there is one. REQUIRES: !empty().
  T& value() & {
    throw_exception();
    return *std::get_if<kValue>(&state_);
  }
  const T& value() const& {
    throw_exception();
    return *std::get_if<kValue>(&state_);
  }
  T value() && {
    throw_exception();
    return std::move(*std::get_if<kValue>(&state_));
  }

 private:
  static constexpr std::size_t kEmpty = 0;
  static constexpr std::size_t kValue = 1;
  static constexpr std::size_t kError = 2;

  void throw_exception() const {
    if (const auto* error = std::get_if<kError>(&state_)) std::rethrow_exception(*error);
  }

  std::variant<std::monostate, T, std::exception_ptr> state_;
};

template <>
class Outcome<void> {
 public:
  Outcome() = default;

  void set_value() noexcept {
    error_ = nullptr;
    empty_ = false;
  }
  void set_exception(std::exception_ptr error) noexcept {
    error_ = std::move(error);
    empty_ = false;
  }

  bool empty() const noexcept { return empty_; }
  bool has_value() const noexcept { return !empty_ && error_ == nullptr; }
  std::exception_ptr exception() const noexcept { return error_; }

  void value() const {
    if (error_ != nullptr) std::rethrow_exception(error_);
  }

 private:
  std::exception_ptr error_;
  bool empty_ = true;
};

}  // namespace asyncio

#endif  // ASYNCIO_FUTURES_OUTCOME_H_
