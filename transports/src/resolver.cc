#include "asyncio/transports/resolver.h"

#include <array>
#include <atomic>
#include <memory>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "asyncio/events/thread_pool.h"
#include "asyncio/futures/run_in_executor.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/selectors/process_stamp.h"
#include "transports/src/host_name.h"

namespace asyncio {
namespace {

class ResolveCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "getaddrinfo"; }
  std::string message(int code) const override { return ::gai_strerror(code); }
};

const std::error_category& resolve_category() {
  static const auto* category = new ResolveCategory();
  return *category;
}

// Of names that may come from an attacker: no control characters, and not as long as they like.
std::string text_for(std::string_view name) {
  constexpr std::size_t kLongest = 253;
  return absl::StrCat("cannot resolve '", absl::Utf8SafeCHexEscape(name.substr(0, kLongest)), "'");
}

// How a lookup ended: 0, or an EAI_ number; for EAI_SYSTEM with the system's own.
struct Status {
  static Status of(int code) { return {code, code == EAI_SYSTEM ? last_error() : 0}; }

  int code = 0;
  int error_number = 0;
};

void check_resolved(Status status, std::string_view name) {
  if (status.code == 0) return;
  if (status.code == EAI_SYSTEM) throw_os_error(status.error_number, text_for(name));
  throw ResolveError(status.code, name);
}

struct Answer {
  Status status;
  std::vector<AddressInfo> infos;
};

void add_once(std::vector<AddressInfo>* infos, const addrinfo& entry) {
  AddressInfo info(entry.ai_family, entry.ai_socktype, entry.ai_protocol,
                   entry.ai_canonname == nullptr ? "" : entry.ai_canonname,
                   SocketAddress(entry.ai_addr, entry.ai_addrlen));
  const bool known = absl::c_any_of(*infos, [&](const AddressInfo& other) {
    return other.address == info.address && other.type == info.type && other.proto == info.proto;
  });
  if (!known) infos->push_back(std::move(info));
}

Answer ask_system(const std::string& host, const std::string& service, ResolveHints hints) {
  addrinfo wanted{};
  wanted.ai_family = hints.family;
  wanted.ai_socktype = hints.type;
  wanted.ai_protocol = hints.proto;
  wanted.ai_flags = hints.flags;
  addrinfo* list = nullptr;
  Answer answer;
  answer.status = Status::of(
      ::getaddrinfo(host.empty() ? nullptr : host.c_str(), service.c_str(), &wanted, &list));
  if (answer.status.code != 0) return answer;
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(list, ::freeaddrinfo);
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    add_once(&answer.infos, *entry);
  }
  return answer;
}

struct NameAnswer {
  Status status;
  std::pair<std::string, std::string> names;
};

NameAnswer ask_system_for_names(const SocketAddress& address, int flags) {
  std::array<char, NI_MAXHOST> host;
  std::array<char, NI_MAXSERV> service;
  const Status status =
      Status::of(::getnameinfo(address.data(), address.size(), host.data(), host.size(),
                               service.data(), service.size(), flags));
  if (status.code != 0) return {status, {}};
  return {status, {host.data(), service.data()}};
}

// The threads of one process. Never destroyed: a resolver that hangs must not keep it from ending.
struct ResolverThreads {
  static constexpr std::size_t kThreads = 4;

  ResolverThreads* const of_parent = nullptr;  // of the process that this one was forked off
  const ProcessStamp process{};
  ThreadPool pool{kThreads, "resolver"};
};

// A forked child has none of its parent's threads.
ThreadPool& resolver_threads() {
  static std::atomic<ResolverThreads*> current = new ResolverThreads();
  ResolverThreads* threads = current.load();
  if (threads->process.is_current()) return threads->pool;
  auto own = std::unique_ptr<ResolverThreads>(new ResolverThreads{.of_parent = threads});
  if (!current.compare_exchange_strong(threads, own.get())) return threads->pool;
  return own.release()->pool;
}

Coro<std::vector<AddressInfo>> resolve(std::string host, std::string service, ResolveHints hints) {
  const bool numeric_host = host.empty() || is_numeric_host(host);
  const bool numeric_service = is_numeric_service(service);
  if (!numeric_host && !is_host_name(host)) throw ResolveError(EAI_NONAME, host);
  if (!numeric_service && !is_service_name(service)) throw ResolveError(EAI_SERVICE, service);
  if (numeric_host) hints.flags |= AI_NUMERICHOST;
  if (numeric_service) hints.flags |= AI_NUMERICSERV;
  Answer answer;
  if (numeric_host && numeric_service) {
    answer = ask_system(host, service, hints);
  } else {
    answer = co_await run_in_executor(&resolver_threads(), ask_system, host, service, hints);
  }
  check_resolved(answer.status, answer.status.code == EAI_SERVICE ? service : host);
  co_return std::move(answer.infos);
}

}  // namespace

ResolveError::ResolveError(int code, std::string_view name)
    : std::system_error(code, resolve_category(), text_for(name)) {}

Coro<std::vector<AddressInfo>> getaddrinfo(std::string_view host, Port port, ResolveHints hints) {
  return resolve(std::string(host), port.to_string(), hints);
}

Coro<std::pair<std::string, std::string>> getnameinfo(SocketAddress address, int flags) {
  constexpr int kNumeric = NI_NUMERICHOST | NI_NUMERICSERV;
  NameAnswer answer;
  if ((flags & kNumeric) == kNumeric) {
    answer = ask_system_for_names(address, flags);
  } else {
    answer = co_await run_in_executor(&resolver_threads(), ask_system_for_names, address, flags);
  }
  check_resolved(answer.status, address.to_string());
  co_return std::move(answer.names);
}

}  // namespace asyncio
