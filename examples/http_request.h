// Requests of HTTP/1.1, as RFC 9112 has them.
#ifndef ASYNCIO_EXAMPLES_HTTP_REQUEST_H_
#define ASYNCIO_EXAMPLES_HTTP_REQUEST_H_

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace examples {

// What cannot be answered: the status says why.
class HttpError : public std::runtime_error {
 public:
  explicit HttpError(int status);

  int status() const noexcept { return status_; }

 private:
  int status_;
};

struct HttpRequest {
  std::string method;
  std::string path;         // decoded, without what comes after a '?'
  bool keep_alive = false;  // whether the client may send another request after this one
  bool has_body = false;

  // In the order in which they came; names in small letters.
  std::vector<std::pair<std::string, std::string>> fields;

  // The value of the first field of that name, in small letters.
  std::optional<std::string_view> field(std::string_view name) const;
};

// `head` is everything up to and including the empty line. What can be read in two ways is refused,
// for somebody between here and the client may have read it in the other. Throws HttpError: 400, or
// 505 for another version.
HttpRequest parse_request(std::string_view head);

// "OK" for 200.
std::string_view http_reason(int status);

}  // namespace examples

#endif  // ASYNCIO_EXAMPLES_HTTP_REQUEST_H_
