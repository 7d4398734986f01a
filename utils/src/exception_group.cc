#include "asyncio/utils/exception_group.h"

#include <algorithm>
#include <cstddef>
#include <stdexcept>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/futures/errors.h"

namespace asyncio {
namespace {

bool is_std_exception(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception&) {
    return true;
  } catch (...) {
    return false;
  }
}

std::string text_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& known) {
    return known.what();
  } catch (const BaseExceptionGroup& group) {
    return group.what();
  } catch (const FatalError& fatal) {
    return fatal.what();
  } catch (const CancelledError&) {
    return "CancelledError";
  } catch (...) {
    return "an exception of unknown type";
  }
}

std::string text_of(const std::string& message, const std::vector<std::exception_ptr>& exceptions) {
  std::string text = absl::StrCat(message, " (", exceptions.size(), " sub-exception",
                                  exceptions.size() == 1 ? ")" : "s)");
  for (std::size_t i = 0; i < exceptions.size(); ++i) {
    const std::string member = absl::StrReplaceAll(text_of(exceptions[i]), {{"\n", "\n  "}});
    absl::StrAppend(&text, "\n  ", i + 1, ": ", member);
  }
  return text;
}

std::optional<BaseExceptionGroup> as_group(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const BaseExceptionGroup& group) {
    return group;
  } catch (...) {
    return std::nullopt;
  }
}

std::vector<std::exception_ptr> require_std_exceptions(std::vector<std::exception_ptr> exceptions) {
  for (const std::exception_ptr& error : exceptions) {
    if (error != nullptr && !is_std_exception(error)) {
      throw std::invalid_argument("an ExceptionGroup holds only std::exceptions");
    }
  }
  return exceptions;
}

}  // namespace

BaseExceptionGroup::BaseExceptionGroup(std::string message, Exceptions exceptions) {
  if (exceptions.empty()) throw std::invalid_argument("a group of exceptions must not be empty");
  if (std::ranges::find(exceptions, nullptr) != exceptions.end()) {
    throw std::invalid_argument("a group holds exceptions, not null");
  }
  std::string text = text_of(message, exceptions);
  contents_ = std::make_shared<const Contents>(
      Contents{std::move(message), std::move(exceptions), std::move(text)});
}

std::pair<BaseExceptionGroup::Exceptions, BaseExceptionGroup::Exceptions>
BaseExceptionGroup::divide(const Exceptions& exceptions, Matches matches) {
  Exceptions matching;
  Exceptions rest;
  for (const std::exception_ptr& error : exceptions) {
    const bool whole = matches(error);
    const std::optional<BaseExceptionGroup> nested = whole ? std::nullopt : as_group(error);
    if (!nested.has_value()) {
      (whole ? matching : rest).push_back(error);
      continue;
    }
    auto [inside, outside] = divide(nested->exceptions(), matches);
    if (!inside.empty()) matching.push_back(make_exception_group(nested->message(), inside));
    if (!outside.empty()) rest.push_back(make_exception_group(nested->message(), outside));
  }
  return {std::move(matching), std::move(rest)};
}

ExceptionGroup::ExceptionGroup(std::string message, Exceptions exceptions)
    : BaseExceptionGroup(std::move(message), require_std_exceptions(std::move(exceptions))) {}

std::exception_ptr make_exception_group(std::string message,
                                        std::vector<std::exception_ptr> exceptions) {
  auto is_base = [](const std::exception_ptr& error) {
    return error != nullptr && !is_std_exception(error);
  };
  if (std::ranges::any_of(exceptions, is_base)) {
    return std::make_exception_ptr(BaseExceptionGroup(std::move(message), std::move(exceptions)));
  }
  return std::make_exception_ptr(ExceptionGroup(std::move(message), std::move(exceptions)));
}

}  // namespace asyncio
