#include "transports/test/two_hosts.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "absl/cleanup/cleanup.h"
#include "asyncio/selectors/file_descriptor.h"
#include "asyncio/selectors/os_error.h"

namespace asyncio {
namespace {

constexpr char kInside[] = "ASYNCIO_TWO_HOSTS";

// The silent addresses belong to a card that nobody has. `ip netns` keeps its files in /run.
constexpr char kSetUp[] = R"(
set -e
mount -t tmpfs none /run
file=$(mktemp)
replace() { cat >"$file" && cp "$file" "$file.$1" && mount --bind "$file.$1" "/etc/$1" && rm "$file.$1"; }
printf '%s\n' '2001:db8::2 there' '10.0.0.2 there' '2001:db8::9 half-dead' '10.0.0.2 half-dead' | replace hosts
echo 'nameserver 10.0.0.9' | replace resolv.conf
echo 'hosts: files dns' | replace nsswitch.conf
rm "$file"
ip netns add there
ip link add wire type veth peer name wire netns there
for host in here there; do
  [ $host = here ] && { n=1; ip="ip"; } || { n=2; ip="ip -n there"; }
  $ip link set lo up
  $ip addr add 10.0.0.$n/24 dev wire
  $ip addr add 2001:db8::$n/64 dev wire nodad
  $ip link set wire up
done
ip neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev wire
ip neigh add 2001:db8::9 lladdr 02:00:00:00:00:09 dev wire
exec "$0" "$@"
)";

constexpr char kProbe[] = "unshare --user --map-root-user --net --mount true";

void run(const std::string& command) {
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

FileDescriptor open_namespace(const char* path) {
  return FileDescriptor(check(::open(path, O_RDONLY | O_CLOEXEC), "open"));
}

}  // namespace

bool enter_two_hosts(char** argv) {
  if (std::getenv(kInside) != nullptr) return true;
  if (std::system(kProbe) != 0) return false;
  ::setenv(kInside, "1", 1);
  ::execlp("unshare", "unshare", "--user", "--map-root-user", "--net", "--mount", "sh", "-c",
           kSetUp, argv[0], nullptr);
  throw_os_error(last_error(), "execlp");
}

void on_there(const std::function<void()>& action) {
  const FileDescriptor here = open_namespace("/proc/thread-self/ns/net");
  const FileDescriptor there = open_namespace("/run/netns/there");
  check(::setns(there.get(), CLONE_NEWNET), "setns");
  const absl::Cleanup back = [&] { check(::setns(here.get(), CLONE_NEWNET), "setns"); };
  action();
}

// Each host is told a card that nobody has.
void cut_wire() {
  run("ip neigh replace 10.0.0.2 lladdr 02:00:00:00:00:09 dev wire && "
      "ip -n there neigh replace 10.0.0.1 lladdr 02:00:00:00:00:09 dev wire");
}

void mend_wire() {
  run("ip neigh del 10.0.0.2 dev wire && ip -n there neigh del 10.0.0.1 dev wire");
}

}  // namespace asyncio
