#include "transports/src/host_name.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace asyncio {
namespace {

constexpr std::size_t kLongestName = 253;
constexpr std::size_t kLongestLabel = 63;

bool is_printable(std::string_view text) { return absl::c_all_of(text, absl::ascii_isgraph); }

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kLongestLabel && is_printable(label);
}

bool parses_as(int family, std::string_view address) {
  in6_addr parsed;
  return ::inet_pton(family, std::string(address).c_str(), &parsed) == 1;
}

// What the C library takes for an IPv4 address: more than four decimal numbers.
bool looks_numeric(std::string_view host) {
  in_addr parsed;
  return ::inet_aton(std::string(host).c_str(), &parsed) != 0;
}

}  // namespace

bool is_numeric_host(std::string_view host) {
  if (!is_printable(host)) return false;
  return parses_as(AF_INET, host) || parses_as(AF_INET6, host.substr(0, host.find('%')));
}

bool is_host_name(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return host.size() <= kLongestName && absl::c_all_of(absl::StrSplit(host, '.'), is_label) &&
         !looks_numeric(host);
}

bool is_numeric_service(std::string_view service) {
  std::uint32_t port = 0;
  return absl::c_all_of(service, absl::ascii_isdigit) && absl::SimpleAtoi(service, &port) &&
         port <= std::numeric_limits<std::uint16_t>::max();
}

// A sign or a space would have the C library read a number; one it reads modulo 65536.
bool is_service_name(std::string_view service) {
  return is_printable(service) && absl::c_any_of(service, absl::ascii_isalpha) &&
         absl::ascii_isalnum(service.front());
}

}  // namespace asyncio
