// Two hosts with a wire between them, in network namespaces of the test's own.
//
//   here   10.0.0.1   2001:db8::1    the process, unless it says otherwise
//   there  10.0.0.2   2001:db8::2
//
// 10.0.0.9 and 2001:db8::9 are on the wire too, but whoever has them takes every packet and never
// answers. Names: "there" has both addresses of that host, "half-dead" the silent IPv6 address and
// there's IPv4 address; for any other the name server, 10.0.0.9, is asked.
#ifndef TRANSPORTS_TEST_TWO_HOSTS_H_
#define TRANSPORTS_TEST_TWO_HOSTS_H_

#include <functional>

namespace asyncio {

// For main(): goes on in a process that sees the two hosts and nothing else. Returns false where
// the system gives nobody a network of their own; needs iproute2.
bool enter_two_hosts(char** argv);

// Runs `action` on the other host: sockets made there belong to it.
void on_there(const std::function<void()>& action);

// What is sent by IPv4 while the wire is cut is lost, and neither host is told.
void cut_wire();
void mend_wire();

}  // namespace asyncio

#endif  // TRANSPORTS_TEST_TWO_HOSTS_H_
