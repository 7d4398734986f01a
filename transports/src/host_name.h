// What a resolver may be asked. All of a text is read, or none: nothing is cut at a length or NUL.
#ifndef ASYNCIO_TRANSPORTS_HOST_NAME_H_
#define ASYNCIO_TRANSPORTS_HOST_NAME_H_

#include <string_view>

namespace asyncio {

// Whether `host` is an IPv4 or IPv6 address in figures, in the one spelling of inet_pton(), an IPv6
// address perhaps with a scope.
bool is_numeric_host(std::string_view host);

// Whether `host` may be looked up: see getaddrinfo() for what may not.
bool is_host_name(std::string_view host);

// Whether `service` is a port in figures, and whether it may be looked up.
bool is_numeric_service(std::string_view service);
bool is_service_name(std::string_view service);

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_HOST_NAME_H_
