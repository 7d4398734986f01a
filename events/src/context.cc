#include "asyncio/events/context.h"

#include <atomic>

#include "absl/container/flat_hash_map.h"
#include "asyncio/events/block_pool.h"

namespace asyncio {
namespace internal {

using ContextTable = absl::flat_hash_map<std::uint64_t, ContextValue>;

// The table is shared between contexts until one of them changes it.
struct ContextState : Pooled {
  std::atomic<int> references{1};
  std::shared_ptr<ContextTable> table;  // null: empty
  bool entered = false;
};

constinit thread_local ContextRef* current_context = nullptr;

namespace {

ContextState* current_state() noexcept {
  return current_context != nullptr ? current_context->get() : nullptr;
}

// What a thread uses outside of any callback.
struct ThreadContext {
  ThreadContext() {}
  ~ThreadContext() { current_context = nullptr; }
  ContextRef context;
};

// The current context, made if there is none yet.
ContextState& materialise() {
  if (current_context == nullptr) {
    thread_local ThreadContext own;
    current_context = &own.context;
  }
  if (current_context->get() == nullptr) *current_context = ContextRef(new ContextState());
  return *current_context->get();
}

// The table of `context`, shared with nobody else.
ContextTable& own_table(ContextState& context) {
  if (context.table == nullptr) {
    context.table = std::make_shared<ContextTable>();
  } else if (context.table.use_count() > 1) {
    context.table = std::make_shared<ContextTable>(*context.table);
  }
  return *context.table;
}

ContextRef copy_of(const ContextState* state) {
  ContextRef copy(new ContextState());
  if (state != nullptr) copy.get()->table = state->table;
  return copy;
}

}  // namespace

ContextRef::ContextRef(const ContextRef& other) noexcept : state_(other.state_) {
  if (state_ != nullptr) state_->references.fetch_add(1, std::memory_order_relaxed);
}

void ContextRef::drop() noexcept {
  if (state_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete state_;
}

ContextRef ContextRef::copy_unless_empty(const ContextState& state) {
  return state.table != nullptr ? copy_of(&state) : ContextRef();
}

std::uint64_t new_context_key() noexcept {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

ContextValue context_value(std::uint64_t key) {
  const ContextState* state = current_state();
  if (state == nullptr || state->table == nullptr) return nullptr;
  const auto found = state->table->find(key);
  return found != state->table->end() ? found->second : nullptr;
}

ContextValue exchange_context_value(std::uint64_t key, ContextValue value) {
  ContextTable& table = own_table(materialise());
  if (value != nullptr) return std::exchange(table[key], std::move(value));
  const auto found = table.find(key);
  if (found == table.end()) return nullptr;
  ContextValue old = std::move(found->second);
  table.erase(found);
  return old;
}

}  // namespace internal

Context Context::of(internal::ContextRef& ref) {
  if (ref.get() == nullptr) ref = Context().ref();
  return Context(ref);
}

Context::Context() : ref_(internal::copy_of(nullptr)) {}

Context Context::copy() const { return Context(internal::copy_of(ref_.get())); }

Context copy_context() { return Context(internal::copy_of(internal::current_state())); }

std::size_t Context::size() const noexcept {
  const auto& table = ref_.get()->table;
  return table != nullptr ? table->size() : 0;
}

void Context::enter() const {
  if (std::exchange(ref_.get()->entered, true)) {
    throw std::runtime_error("cannot enter context: it is already entered");
  }
}

void Context::leave() const noexcept { ref_.get()->entered = false; }

}  // namespace asyncio
