// ExceptionGroup: several failures thrown as one; what a TaskGroup throws.
//
//   try {
//     co_await with(TaskGroup(), [&](TaskGroup& group) { … });
//   } catch (const ExceptionGroup& group) {
//     auto [late, rest] = group.split<TimeoutError>();
//     if (late.has_value()) retry_later();
//     if (rest.has_value()) throw *rest;
//   }
//
// A group whose members are all std::exceptions is an ExceptionGroup and a std::exception itself.
// With another member, at whatever depth (a CancelledError, a FatalError, an int), it is a
// BaseExceptionGroup and no std::exception: `catch (const std::exception&)` must not eat what it
// would not have eaten alone. Groups may stand in groups; the tree is kept.
#ifndef ASYNCIO_UTILS_EXCEPTION_GROUP_H_
#define ASYNCIO_UTILS_EXCEPTION_GROUP_H_

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"

namespace asyncio {

// A group taken apart; either may be missing.
template <class Group>
struct SplitGroup {
  std::optional<Group> matching;
  std::optional<Group> rest;
};

// Any group. Copies share their members.
//
// Python counterpart: BaseExceptionGroup.
class BaseExceptionGroup {
 public:
  using Exceptions = std::vector<std::exception_ptr>;

  // Throws std::invalid_argument if there are no exceptions or one is null.
  BaseExceptionGroup(std::string message, Exceptions exceptions);
  virtual ~BaseExceptionGroup() = default;
  BaseExceptionGroup(const BaseExceptionGroup&) = default;
  BaseExceptionGroup& operator=(const BaseExceptionGroup&) = default;

  const std::string& message() const noexcept { return contents_->message; }

  // The members, groups among them unopened, in the order given.
  const Exceptions& exceptions() const noexcept { return contents_->exceptions; }

  // The message with the number of members, and one line for each, nested ones below their group.
  virtual const char* what() const noexcept { return contents_->text.c_str(); }

  // Those that a `catch (const E&)` would catch, and the others, both in groups of the same shape
  // and messages. A group that is itself an E goes as a whole.
  template <class E>
  SplitGroup<BaseExceptionGroup> split() const {
    return split_into<BaseExceptionGroup, E>();
  }

  // The first half of split().
  template <class E>
  std::optional<BaseExceptionGroup> subgroup() const {
    return split<E>().matching;
  }

 protected:
  template <class Group, class E>
  SplitGroup<Group> split_into() const;

 private:
  struct Contents {
    std::string message;
    Exceptions exceptions;
    std::string text;
  };
  using Matches = absl::FunctionRef<bool(const std::exception_ptr&)>;

  // The members that match, and those that do not.
  static std::pair<Exceptions, Exceptions> divide(const Exceptions& exceptions, Matches matches);

  std::shared_ptr<const Contents> contents_;
};

// A group of std::exceptions.
//
// Python counterpart: ExceptionGroup.
class ExceptionGroup final : public std::exception, public BaseExceptionGroup {
 public:
  // Throws std::invalid_argument if there are no exceptions, or one is no std::exception.
  ExceptionGroup(std::string message, Exceptions exceptions);

  const char* what() const noexcept override { return BaseExceptionGroup::what(); }

  // As for any group; the halves of an ExceptionGroup are ExceptionGroups.
  template <class E>
  SplitGroup<ExceptionGroup> split() const {
    return split_into<ExceptionGroup, E>();
  }
  template <class E>
  std::optional<ExceptionGroup> subgroup() const {
    return split<E>().matching;
  }
};

// An ExceptionGroup if all are std::exceptions, else a BaseExceptionGroup, ready to be thrown.
// Throws std::invalid_argument if there are none or one is null.
std::exception_ptr make_exception_group(std::string message,
                                        std::vector<std::exception_ptr> exceptions);

// Implementation.

template <class Group, class E>
SplitGroup<Group> BaseExceptionGroup::split_into() const {
  SplitGroup<Group> halves;
  const auto& self = static_cast<const Group&>(*this);
  if constexpr (std::is_base_of_v<E, Group>) {
    halves.matching = self;
  } else {
    auto [matching, rest] = divide(exceptions(), [](const std::exception_ptr& error) {
      try {
        std::rethrow_exception(error);
      } catch (const E&) {
        return true;
      } catch (...) {
        return false;
      }
    });
    if (!matching.empty()) halves.matching.emplace(message(), std::move(matching));
    if (!rest.empty()) halves.rest.emplace(message(), std::move(rest));
  }
  return halves;
}

}  // namespace asyncio

#endif  // ASYNCIO_UTILS_EXCEPTION_GROUP_H_
