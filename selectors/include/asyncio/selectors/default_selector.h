// DefaultSelector: the best selector that works on this machine.
//
// Tried in this order: kqueue, epoll, devpoll, poll, select. "Works" is found out by opening one,
// as a sandbox may forbid what the kernel has, so each call decides anew.

#ifndef ASYNCIO_SELECTORS_DEFAULT_SELECTOR_H_
#define ASYNCIO_SELECTORS_DEFAULT_SELECTOR_H_

#include <memory>
#include <span>

#include "asyncio/selectors/selector.h"

namespace asyncio {

// Opens a selector or throws OsError.
using SelectorFactory = std::unique_ptr<Selector> (*)();

// Counterpart of selectors.DefaultSelector. Always finds one: the last resorts need nothing from
// the OS.
std::unique_ptr<Selector> DefaultSelector();

// What DefaultSelector() tries. Those that this machine lacks throw OsError.
std::span<const SelectorFactory> selectors_best_first() noexcept;

// What DefaultSelector() does with its list: the first candidate that opens. Throws the last one's
// OsError if none does, std::invalid_argument if there are none.
std::unique_ptr<Selector> open_first_usable(std::span<const SelectorFactory> candidates);

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_DEFAULT_SELECTOR_H_
