#include "asyncio/transports/datagram_endpoint.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <iterator>
#include <stdexcept>
#include <vector>

#include "absl/algorithm/container.h"
#include "asyncio/events/running_loop.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/transports/address_info.h"
#include "asyncio/transports/resolver.h"
#include "transports/src/datagram_socket_transport.h"
#include "transports/src/until_made.h"

namespace asyncio::internal {
namespace {

// A way to open the endpoint. Either address may be missing.
struct Attempt {
  int family = AF_UNSPEC;
  int proto = 0;
  SocketAddress local;
  SocketAddress remote;
};

std::optional<DatagramPlan::Place> owned(const std::optional<HostPort>& place) {
  if (!place.has_value()) return std::nullopt;
  return DatagramPlan::Place{std::string(place->host), place->port.to_string()};
}

Coro<std::vector<AddressInfo>> resolve(DatagramPlan::Place place, DatagramOptions options,
                                       int flags) {
  ResolveHints hints;
  hints.family = options.family;
  hints.type = SOCK_DGRAM;
  hints.proto = options.proto;
  hints.flags = options.flags | flags;
  co_return co_await getaddrinfo(place.host, place.port, hints);
}

Attempt from(const AddressInfo& local) {
  return {local.family, local.proto, local.address, SocketAddress()};
}

Attempt to(const AddressInfo& remote) {
  return {remote.family, remote.proto, SocketAddress(), remote.address};
}

// Those of which both ends have a family and protocol in common, in the order of the local ones.
std::vector<Attempt> pair_up(const std::vector<AddressInfo>& locals,
                             const std::vector<AddressInfo>& remotes) {
  std::vector<Attempt> attempts;
  for (const AddressInfo& local : locals) {
    const auto remote = absl::c_find_if(remotes, [&](const AddressInfo& candidate) {
      return candidate.family == local.family && candidate.proto == local.proto;
    });
    if (remote == remotes.end()) continue;
    attempts.push_back(from(local));
    attempts.back().remote = remote->address;
  }
  return attempts;
}

Coro<std::vector<Attempt>> internet_attempts(DatagramPlan plan) {
  std::vector<AddressInfo> locals;
  std::vector<AddressInfo> remotes;
  if (plan.local.has_value()) {
    locals = co_await resolve(*plan.local, plan.options, AI_PASSIVE);
  }
  if (plan.remote.has_value()) remotes = co_await resolve(*plan.remote, plan.options, 0);
  std::vector<Attempt> attempts;
  if (plan.local.has_value() && plan.remote.has_value()) {
    attempts = pair_up(locals, remotes);
  } else {
    absl::c_transform(locals, std::back_inserter(attempts), from);
    absl::c_transform(remotes, std::back_inserter(attempts), to);
  }
  if (attempts.empty()) throw std::invalid_argument("can not get address information");
  co_return std::move(attempts);
}

Attempt unix_attempt(const DatagramPlan& plan) {
  Attempt attempt;
  attempt.family = AF_UNIX;
  attempt.proto = plan.options.proto;
  if (plan.local.has_value()) attempt.local = SocketAddress::from_path(plan.local->host);
  if (plan.remote.has_value()) attempt.remote = SocketAddress::from_path(plan.remote->host);
  return attempt;
}

Coro<std::vector<Attempt>> all_attempts(DatagramPlan plan) {
  const int family = plan.options.family;
  if (family == AF_UNIX) co_return std::vector<Attempt>(1, unix_attempt(plan));
  if (plan.local.has_value() || plan.remote.has_value()) {
    co_return co_await internet_attempts(std::move(plan));
  }
  if (family == AF_UNSPEC) throw std::invalid_argument("unexpected address family");
  Attempt unbound;
  unbound.family = family;
  unbound.proto = plan.options.proto;
  co_return std::vector<Attempt>(1, unbound);
}

// A socket file that nobody has open any more, as a process that was killed leaves it, must not be
// in the way. One that is in use stays: binding fails then.
void remove_stale(const SocketAddress& local) {
  const std::string path = local.path();
  struct stat status{};
  if (path.empty() || path[0] == '\0' || ::stat(path.c_str(), &status) != 0) return;
  if (!S_ISSOCK(status.st_mode)) return;
  const Socket probe = Socket::open(AF_UNIX, SOCK_DGRAM);
  if (::connect(probe.fileno(), local.data(), local.size()) == 0) return;
  if (last_error() == ECONNREFUSED) ::unlink(path.c_str());
}

DatagramSocket open(const Attempt& attempt, const DatagramOptions& options) {
  Socket socket = Socket::open(attempt.family, SOCK_DGRAM, attempt.proto);
  if (options.reuse_port) socket.set_option(SOL_SOCKET, SO_REUSEPORT, 1);
  if (options.allow_broadcast) socket.set_option(SOL_SOCKET, SO_BROADCAST, 1);
  if (attempt.family == AF_UNIX) remove_stale(attempt.local);
  if (attempt.local.size() != 0) socket.bind(attempt.local);
  if (attempt.remote.size() != 0 && !options.allow_broadcast) {
    check(::connect(socket.fileno(), attempt.remote.data(), attempt.remote.size()), "connect");
  }
  return {std::move(socket), attempt.remote};
}

}  // namespace

DatagramPlan::DatagramPlan(const DatagramOptions& given)
    : local(owned(given.local_addr)), remote(owned(given.remote_addr)), options(given) {
  options.local_addr.reset();
  options.remote_addr.reset();
}

Coro<DatagramSocket> open_datagram_socket(DatagramPlan plan) {
  const DatagramOptions options = plan.options;
  const std::vector<Attempt> attempts = co_await all_attempts(std::move(plan));
  std::exception_ptr first_failure;
  for (const Attempt& attempt : attempts) {
    try {
      co_return open(attempt, options);
    } catch (const OsError&) {
      if (first_failure == nullptr) first_failure = std::current_exception();
    }
  }
  std::rethrow_exception(first_failure);
}

DatagramSocket adopt_datagram_socket(Socket socket) {
  if (socket.option(SOL_SOCKET, SO_TYPE) != SOCK_DGRAM) {
    throw std::invalid_argument("A datagram socket was expected");
  }
  SocketAddress remote = socket.getpeername();
  return {std::move(socket), std::move(remote)};
}

Coro<std::shared_ptr<DatagramTransport>> start_datagram_endpoint(
    DatagramSocket socket, std::shared_ptr<DatagramProtocol> protocol, std::source_location where) {
  if (protocol == nullptr) throw std::invalid_argument("the protocol factory returned null");
  std::shared_ptr<DatagramTransport> transport =
      DatagramSocketTransport::start(get_running_loop(), std::move(socket.socket),
                                     std::move(socket.remote), std::move(protocol), where);
  co_await until_made(transport);
  co_return std::move(transport);
}

}  // namespace asyncio::internal
