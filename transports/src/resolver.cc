#include "asyncio/transports/resolver.h"

#include <array>
#include <memory>
#include <stdexcept>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "asyncio/events/thread_pool.h"
#include "asyncio/futures/run_in_executor.h"

namespace asyncio {
namespace {

constexpr std::size_t kLongestName = 253;

class ResolveCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "getaddrinfo"; }
  std::string message(int code) const override { return ::gai_strerror(code); }
};

const std::error_category& resolve_category() {
  static const auto* category = new ResolveCategory();
  return *category;
}

// What the system answered: addresses, or an EAI_ number.
struct Answer {
  int code = 0;
  std::vector<SocketAddress> addresses;
};

Answer ask_system(const std::string& host, std::uint16_t port, ResolveHints hints) {
  addrinfo wanted{};
  wanted.ai_family = hints.family;
  wanted.ai_flags = hints.flags | AI_NUMERICSERV;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  Answer answer;
  answer.code = ::getaddrinfo(host.empty() ? nullptr : host.c_str(), absl::StrCat(port).c_str(),
                              &wanted, &list);
  if (answer.code != 0) return answer;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, ::freeaddrinfo);
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    const SocketAddress address(entry->ai_addr, entry->ai_addrlen);
    if (!absl::c_linear_search(answer.addresses, address)) answer.addresses.push_back(address);
  }
  return answer;
}

// What the system answered: host and service, or an EAI_ number.
struct NameAnswer {
  int code = 0;
  std::pair<std::string, std::string> names;
};

NameAnswer ask_system_for_names(const SocketAddress& address, int flags) {
  std::array<char, NI_MAXHOST> host;
  std::array<char, NI_MAXSERV> service;
  const int code = ::getnameinfo(address.data(), address.size(), host.data(), host.size(),
                                 service.data(), service.size(), flags);
  if (code != 0) return {code, {}};
  return {0, {host.data(), service.data()}};
}

// Never destroyed: a resolver that hangs must not keep the process from ending.
ThreadPool& resolver_threads() {
  constexpr std::size_t kThreads = 4;
  static auto* threads = new ThreadPool(kThreads, "resolver");
  return *threads;
}

bool may_be_asked(const std::string& host) {
  return host.size() <= kLongestName && host.find('\0') == std::string::npos;
}

}  // namespace

ResolveError::ResolveError(int code, const std::string& host)
    : std::system_error(code, resolve_category(), absl::StrCat("cannot resolve '", host, "'")) {}

Coro<std::vector<SocketAddress>> getaddrinfo(std::string host, std::uint16_t port,
                                             ResolveHints hints) {
  if (!may_be_asked(host)) throw ResolveError(EAI_NONAME, host.substr(0, kLongestName));
  ResolveHints numeric = hints;
  numeric.flags |= AI_NUMERICHOST;
  Answer answer = ask_system(host, port, numeric);
  if (answer.code == EAI_NONAME) {
    answer = co_await run_in_executor(&resolver_threads(), ask_system, host, port, hints);
  }
  if (answer.code != 0) throw ResolveError(answer.code, host);
  co_return std::move(answer.addresses);
}

Coro<std::pair<std::string, std::string>> getnameinfo(SocketAddress address, int flags) {
  constexpr int kNumeric = NI_NUMERICHOST | NI_NUMERICSERV;
  NameAnswer answer;
  if ((flags & kNumeric) == kNumeric) {
    answer = ask_system_for_names(address, flags);
  } else {
    answer = co_await run_in_executor(&resolver_threads(), ask_system_for_names, address, flags);
  }
  if (answer.code != 0) throw ResolveError(answer.code, address.to_string());
  co_return std::move(answer.names);
}

}  // namespace asyncio
