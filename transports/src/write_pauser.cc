#include "transports/src/write_pauser.h"

#include <exception>

#include "absl/strings/str_cat.h"
#include "asyncio/events/fatal_error.h"

namespace asyncio {

void WritePauser::call(BaseProtocol* protocol, void (BaseProtocol::*callback)(),
                       std::string_view name) {
  if (protocol == nullptr) return;
  try {
    (protocol->*callback)();
  } catch (const FatalError&) {
    throw;
  } catch (...) {
    loop_.call_exception_handler({.message = absl::StrCat("protocol.", name, "() failed"),
                                  .exception = std::current_exception()});
  }
}

}  // namespace asyncio
