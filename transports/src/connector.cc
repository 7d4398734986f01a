#include "transports/src/connector.h"

#include <cerrno>
#include <iterator>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "asyncio/futures/errors.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/transports/sock_operations.h"
#include "asyncio/utils/exception_group.h"
#include "asyncio/utils/staggered_race.h"

namespace asyncio {
namespace {

using Failures = std::vector<std::exception_ptr>;

// What an OsError says. REQUIRES: it is one.
std::pair<int, std::string> describe(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const OsError& error) {
    return {error.error_number(), error.what()};
  }
}

void rethrow_unless_expected(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const OsError&) {
  } catch (const CancelledError&) {
  }
}

[[noreturn]] void throw_merged(const Failures& failures) {
  std::vector<std::string> texts;
  int error_number = 0;
  for (const std::exception_ptr& failure : failures) {
    auto [number, text] = describe(failure);
    error_number = number;
    texts.push_back(std::move(text));
  }
  const bool all_alike =
      absl::c_all_of(texts, [&](const std::string& text) { return text == texts.front(); });
  if (all_alike) std::rethrow_exception(failures.front());
  throw OsError(error_number, absl::StrCat("Multiple exceptions: ", absl::StrJoin(texts, ", ")));
}

}  // namespace

Connector::Connector(Infos remote, std::optional<Infos> local)
    : remote_(std::move(remote)), local_(std::move(local)), failures_(remote_.size()) {}

Coro<std::optional<Socket>> Connector::connect_in_turn() {
  for (std::size_t i = 0; i < remote_.size(); ++i) {
    try {
      Socket socket = co_await attempt(i);
      co_return std::optional<Socket>(std::move(socket));
    } catch (const OsError&) {
      // Is among the failures.
    }
  }
  co_return std::nullopt;
}

Coro<std::optional<Socket>> Connector::race(Duration delay) {
  std::vector<Attempt> attempts;
  for (std::size_t i = 0; i < remote_.size(); ++i) attempts.push_back({this, i});
  StaggeredRaceResult<Socket> result = co_await staggered_race(std::move(attempts), delay);
  if (!result.winner_result.has_value())
    absl::c_for_each(result.exceptions, rethrow_unless_expected);
  co_return std::move(result.winner_result);
}

Coro<Socket> Connector::attempt(std::size_t index) {
  const AddressInfo& info = remote_[index];
  try {
    Socket socket = Socket::open(info.family, info.type, info.proto);
    if (local_.has_value()) bind_to_local(socket, info.family, &failures_[index]);
    co_await sock_connect(socket, info.address);
    co_return std::move(socket);
  } catch (const OsError&) {
    failures_[index].push_back(std::current_exception());
    throw;
  }
}

// Throws the last failure and keeps those before.
void Connector::bind_to_local(const Socket& socket, int family, Failures* failures) const {
  std::exception_ptr last;
  for (const AddressInfo& info : *local_) {
    if (info.family != family) continue;
    if (last != nullptr) failures->push_back(std::exchange(last, nullptr));
    try {
      return socket.bind(info.address);
    } catch (const OsError& error) {
      last = make_os_error(
          error.error_number(),
          absl::StrCat("error while attempting to bind on address ", info.address.to_string()));
    }
  }
  if (last != nullptr) std::rethrow_exception(last);
  throw_os_error(EADDRNOTAVAIL,
                 absl::StrCat("no matching local address with family=", family, " found"));
}

void Connector::throw_failure(bool all_errors) const {
  Failures all;
  for (const Failures& failures : failures_) absl::c_copy(failures, std::back_inserter(all));
  if (all.empty()) throw TimeoutError("create_connection failed");
  if (all_errors) throw ExceptionGroup("create_connection failed", std::move(all));
  throw_merged(all);
}

}  // namespace asyncio
