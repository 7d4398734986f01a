#include "asyncio/events/exception_text.h"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>
#include <typeinfo>

#include "absl/strings/str_cat.h"
#include "asyncio/events/fatal_error.h"

namespace asyncio::internal {
namespace {

template <class E>
std::string with_type(const E& error) {
  int status = 0;
  const char* mangled = typeid(error).name();
  const std::unique_ptr<char, decltype(&std::free)> type(
      abi::__cxa_demangle(mangled, nullptr, nullptr, &status), std::free);
  return absl::StrCat(type != nullptr ? type.get() : mangled, ": ", error.what());
}

}  // namespace

std::string exception_text(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return with_type(e);
  } catch (const FatalError& e) {
    return with_type(e);
  } catch (...) {
    return "an exception that is no std::exception";
  }
}

}  // namespace asyncio::internal
