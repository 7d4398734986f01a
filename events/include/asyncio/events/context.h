// Context: values that follow the work instead of being passed along, such as a request's id.
//
//   ContextVar<std::string> request_id("request_id", "-");  // of static storage duration
//
//   Coro<> serve(Request request) {
//     request_id.set(request.id);  // for this task, and for what it starts from here on
//     co_await handle(request);    // request_id.get() anywhere below
//   }
//
// A context is a table of variables and their values. Every callback and every task runs in one: in
// a copy of the context in which it was scheduled, so what it sets is seen by what it schedules and
// by nobody else. Copying a context costs one small block, setting a variable copies the table if
// it is shared. A program that sets no variable pays for two stores of a pointer a callback.
//
// Python counterpart: the module contextvars.
#ifndef ASYNCIO_EVENTS_CONTEXT_H_
#define ASYNCIO_EVENTS_CONTEXT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/cleanup/cleanup.h"

namespace asyncio {

namespace internal {

struct ContextState;
class ContextRef;

// Whose context the calling thread runs in: that of the callback or task that runs. Null: nothing
// runs, and no variable has been set outside.
extern constinit thread_local ContextRef* current_context;

// A counted reference to a context; null stands for one that nobody else shares and that has no
// values yet. One pointer.
class ContextRef {
 public:
  ContextRef() = default;
  explicit ContextRef(ContextState* state) noexcept : state_(state) {}  // takes the reference over
  ContextRef(const ContextRef& other) noexcept;
  ContextRef(ContextRef&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  ContextRef& operator=(ContextRef other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~ContextRef() {
    if (state_ != nullptr) drop();
  }

  // A copy of the current context.
  static ContextRef capture() {
    return current_context == nullptr || current_context->state_ == nullptr
               ? ContextRef()
               : copy_unless_empty(*current_context->state_);
  }

  ContextState* get() const noexcept { return state_; }

 private:
  static ContextRef copy_unless_empty(const ContextState& state);
  void drop() noexcept;

  ContextState* state_ = nullptr;
};

// Makes `context` current for as long as this lives; what is set meanwhile stays in it. It must not
// move.
class ContextScope {
 public:
  explicit ContextScope(ContextRef& context) noexcept
      : outer_(std::exchange(current_context, &context)) {}
  ~ContextScope() { current_context = outer_; }

  ContextScope(const ContextScope&) = delete;
  ContextScope& operator=(const ContextScope&) = delete;

 private:
  ContextRef* const outer_;
};

using ContextValue = std::shared_ptr<const void>;

std::uint64_t new_context_key() noexcept;

// The value in the current context; null if there is none.
ContextValue context_value(std::uint64_t key);

// Sets it, or unsets it for null, and returns what it was.
ContextValue exchange_context_value(std::uint64_t key, ContextValue value);

}  // namespace internal

// A reference to a context: copies of it mean the same one. Its values may be shared between
// threads, the context itself belongs to one at a time.
//
// Python counterpart: contextvars.Context.
class Context {
 public:
  // A new context without values.
  Context();

  // A new context with the same values.
  Context copy() const;

  // Calls `function` with this as the current context and gives its result: what it sets stays in
  // this context. Throws std::runtime_error if the context is entered already.
  template <class F>
  std::invoke_result_t<F&> run(F function) const {
    enter();
    absl::Cleanup leave = [this] { this->leave(); };
    internal::ContextRef context = ref_;
    const internal::ContextScope scope(context);
    return function();
  }

  // How many variables have a value.
  std::size_t size() const noexcept;

  friend bool operator==(const Context& a, const Context& b) noexcept {
    return a.ref_.get() == b.ref_.get();
  }

  // For those who run callbacks in it.
  const internal::ContextRef& ref() const noexcept { return ref_; }

  // The context that `ref` means; one that nobody has looked at yet is made now.
  static Context of(internal::ContextRef& ref);

 private:
  friend Context copy_context();

  // REQUIRES: `ref` is not null.
  explicit Context(internal::ContextRef ref) noexcept : ref_(std::move(ref)) {}

  void enter() const;
  void leave() const noexcept;

  internal::ContextRef ref_;
};

// A copy of the current context.
//
// Python counterpart: contextvars.copy_context().
Context copy_context();

// What a variable was before a set(), for ContextVar::reset(). Move-only: it restores once.
//
// Python counterpart: contextvars.Token.
class ContextToken {
 public:
  ContextToken(ContextToken&& other) noexcept
      : key_(std::exchange(other.key_, 0)),
        context_(std::move(other.context_)),
        old_(std::move(other.old_)) {}
  ContextToken& operator=(ContextToken&&) = delete;

 private:
  template <class T>
  friend class ContextVar;

  ContextToken(std::uint64_t key, internal::ContextValue old) noexcept
      : key_(key), context_(*internal::current_context), old_(std::move(old)) {}

  bool is_of_current_context() const noexcept {
    return internal::current_context != nullptr &&
           internal::current_context->get() == context_.get();
  }

  std::uint64_t key_;             // 0: used
  internal::ContextRef context_;  // keeps it, or another might get its address
  internal::ContextValue old_;
};

// A variable that has a value of its own in every context. Usually of static storage duration;
// values outlive it until their contexts go.
//
// Python counterpart: contextvars.ContextVar.
template <class T>
class ContextVar {
 public:
  // `name` is for messages. Without `fallback`, reading an unset variable is an error.
  explicit ContextVar(std::string name, std::optional<T> fallback = std::nullopt)
      : name_(std::move(name)), fallback_(std::move(fallback)) {}

  ContextVar(const ContextVar&) = delete;
  ContextVar& operator=(const ContextVar&) = delete;

  const std::string& name() const noexcept { return name_; }

  // The value in the current context, else the fallback. Throws std::out_of_range (Python's
  // LookupError) if there is neither.
  T get() const {
    if (const auto value = internal::context_value(key_))
      return *static_cast<const T*>(value.get());
    if (fallback_.has_value()) return *fallback_;
    throw std::out_of_range(name_);
  }

  // The value in the current context, else `otherwise`.
  T get(T otherwise) const {
    if (const auto value = internal::context_value(key_))
      return *static_cast<const T*>(value.get());
    return otherwise;
  }

  // Sets the value in the current context. The token restores what it was.
  ContextToken set(T value) const {
    auto shared = std::make_shared<const T>(std::move(value));
    auto old = internal::exchange_context_value(key_, std::move(shared));
    return ContextToken(key_, std::move(old));
  }

  // Restores what the variable was before the set() that gave the token. Throws std::runtime_error
  // if the token has been used, std::invalid_argument if it belongs to another variable or context.
  void reset(ContextToken& token) const {
    if (token.key_ == 0) throw std::runtime_error("the token has already been used once");
    if (token.key_ != key_)
      throw std::invalid_argument("the token was created by a different variable");
    if (!token.is_of_current_context()) {
      throw std::invalid_argument("the token was created in a different context");
    }
    token.key_ = 0;
    internal::exchange_context_value(key_, std::move(token.old_));
  }
  void reset(ContextToken&& token) const { reset(token); }

 private:
  const std::uint64_t key_ = internal::new_context_key();
  std::string name_;
  std::optional<T> fallback_;
};

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_CONTEXT_H_
