#include "asyncio/sync/event.h"

#include "sync/src/described.h"

namespace asyncio {

std::string to_string(const Event& event) {
  return described("Event", event.is_set() ? "set" : "unset", event.line_.size());
}

}  // namespace asyncio
