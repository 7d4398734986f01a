// Reads a coroutine's signature for parameters that may dangle.
//
// A coroutine starts lazily and outlives the call that made it. What it takes by value lives in its
// frame; what it takes as `const T&`, as a view, or through the closure it was called on, may be a
// temporary that is gone by the time it runs. Awaited where it is made it is safe, for the
// temporary lives to the end of that expression; a task is where it would outlive it, so
// create_task() and its like ask here.
#ifndef ASYNCIO_TASKS_BORROW_CHECK_H_
#define ASYNCIO_TASKS_BORROW_CHECK_H_

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string_view>
#include <type_traits>

#include "absl/types/span.h"

namespace asyncio::internal {

template <class T>
inline constexpr bool is_view = false;
template <class C, class Traits>
inline constexpr bool is_view<std::basic_string_view<C, Traits>> = true;
template <class T, std::size_t N>
inline constexpr bool is_view<std::span<T, N>> = true;
template <class T>
inline constexpr bool is_view<absl::Span<T>> = true;
template <class T>
inline constexpr bool is_view<std::initializer_list<T>> = true;

// `T` as the compiler spells it, within a longer text; see spelled_type().
template <class T>
constexpr const char* spelling() noexcept {
  return __PRETTY_FUNCTION__;
}

// The type in a spelling().
constexpr std::string_view spelled_type(const char* spelling) noexcept {
  constexpr std::string_view kBefore = "T = ";
  std::string_view text = spelling;
  text.remove_prefix(text.find(kBefore) + kBefore.size());
  return text.substr(0, text.rfind(']'));
}

// Whether this spells a closure's type, for which the language has no word: clang writes
// "scope::(lambda at file:line:column)", g++ "scope::<lambda(parameters)>". A word in other names
// means nothing.
constexpr bool spells_closure(std::string_view type) noexcept {
  const char last = type.empty() ? ' ' : type.back();
  if (last != ')' && last != '>') return false;
  int depth = 0;
  for (std::size_t i = type.size(); i-- > 0;) {
    if (type[i] == last) ++depth;
    if (type[i] == (last == ')' ? '(' : '<')) --depth;
    if (depth == 0) return type.substr(i + 1).starts_with(last == ')' ? "lambda at " : "lambda(");
  }
  return false;
}

template <class T>
consteval bool is_closure() {
  return std::is_class_v<T> && spells_closure(spelled_type(spelling<T>()));
}

// Whether a parameter declared as `P` may refer to a temporary.
template <class P>
consteval bool borrows() {
  using Referred = std::remove_reference_t<P>;
  using T = std::remove_cv_t<Referred>;
  if constexpr (!std::is_reference_v<P>) {
    return is_view<T>;
  } else if constexpr (std::is_empty_v<T>) {
    return false;
  } else {
    return std::is_const_v<Referred> || is_closure<T>();
  }
}

// The spelling of the first parameter that borrows, or null.
template <class... Parameters>
consteval const char* first_borrowed() {
  const char* found = nullptr;
  ((found = found == nullptr && borrows<Parameters>() ? spelling<Parameters>() : found), ...);
  return found;
}

// Throws BorrowedArgumentError unless `borrowed` is null. `door` names the function that asks.
void refuse_borrowed(const char* borrowed, std::string_view door);

}  // namespace asyncio::internal

#endif  // ASYNCIO_TASKS_BORROW_CHECK_H_
