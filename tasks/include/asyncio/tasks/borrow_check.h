// Reads a coroutine's signature for parameters that may dangle.
//
// A coroutine starts lazily and outlives the call that made it. What it takes by value lives in its frame;
// what it takes as `const T&`, as a view, or through the closure it was called on, may be a temporary
// that is gone by the time it runs. Awaited where it is made it is safe, for the temporary lives to the
// end of that expression; a task is where it would outlive it, so create_task() and its like ask here.
#ifndef ASYNCIO_TASKS_BORROW_CHECK_H_
#define ASYNCIO_TASKS_BORROW_CHECK_H_

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

// `T` as the compiler spells it, within a longer text; see spelled_type().
template <class T>
constexpr const char* spelling() noexcept {
  return __PRETTY_FUNCTION__;
}

template <class T>
inline constexpr bool is_template_instance = false;
template <template <class...> class Template, class... Args>
inline constexpr bool is_template_instance<Template<Args...>> = true;

// Both compilers name a closure type by the word, and nothing in the language does.
template <class T>
consteval bool is_closure() {
  return std::is_class_v<T> && !is_template_instance<T> &&
         std::string_view(spelling<T>()).find("lambda") != std::string_view::npos;
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

// The type in a spelling().
std::string_view spelled_type(const char* spelling) noexcept;

// Throws BorrowedArgumentError unless `borrowed` is null. `door` names the function that asks.
void refuse_borrowed(const char* borrowed, std::string_view door);

}  // namespace asyncio::internal

#endif  // ASYNCIO_TASKS_BORROW_CHECK_H_
