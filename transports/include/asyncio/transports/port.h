// A port by its number or by the name of its service.
#ifndef ASYNCIO_TRANSPORTS_PORT_H_
#define ASYNCIO_TRANSPORTS_PORT_H_

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace asyncio {

// Numbers and texts convert: `open_connection("example.com", "https")`. Does not own the text.
//
// Python counterpart: the `port` that is an int or a str.
class Port {
 public:
  constexpr Port(std::uint16_t number) noexcept  // NOLINT(google-explicit-constructor)
      : number_(number) {}

  // "https", or a number in figures; empty is port 0.
  template <class Text>
    requires std::convertible_to<const Text&, std::string_view>
  constexpr Port(const Text& service)  // NOLINT(google-explicit-constructor)
      : service_(service) {}

  // As given: "https", "443".
  std::string to_string() const {
    return service_.empty() ? std::to_string(number_) : std::string(service_);
  }

 private:
  std::string_view service_;  // if not empty, the number is not used
  std::uint16_t number_ = 0;
};
static_assert(std::is_trivially_copyable_v<Port>);

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_PORT_H_
