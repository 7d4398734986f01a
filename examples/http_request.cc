#include "examples/http_request.h"

#include <algorithm>
#include <cstddef>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace examples {
namespace {

constexpr std::string_view kEndOfLine = "\r\n";

bool is_token(std::string_view text) {
  return !text.empty() && absl::c_all_of(text, [](char c) {
    return absl::ascii_isalnum(c) || absl::StrContains("!#$%&'*+-.^_`|~", c);
  });
}

bool has_controls(std::string_view text) {
  return absl::c_any_of(text, [](char c) { return absl::ascii_iscntrl(c) && c != '\t'; });
}

std::string decode(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const std::string_view digits = text.substr(i + 1, 2);
    if (digits.size() != 2 || !absl::c_all_of(digits, absl::ascii_isxdigit)) throw HttpError(400);
    decoded += absl::HexStringToBytes(digits);
    i += 2;
  }
  return decoded;
}

// A target is a path, or, as for a proxy, a whole URL.
std::string path_of(std::string_view target) {
  if (absl::ConsumePrefix(&target, "http://")) {
    target.remove_prefix(std::min(target.find('/'), target.size()));
    if (target.empty()) target = "/";
  }
  if (!absl::StartsWith(target, "/")) throw HttpError(400);
  return decode(target.substr(0, target.find('?')));
}

std::pair<std::string, std::string> parse_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) throw HttpError(400);
  const std::string_view value = absl::StripAsciiWhitespace(line.substr(colon + 1));
  if (has_controls(value)) throw HttpError(400);
  return {absl::AsciiStrToLower(line.substr(0, colon)), std::string(value)};
}

// Whether the version of a request line is 1.1; throws unless it is 1.0 otherwise.
bool is_http_1_1(std::string_view version) {
  if (version == "HTTP/1.1") return true;
  if (version == "HTTP/1.0") return false;
  throw HttpError(absl::StartsWith(version, "HTTP/") ? 505 : 400);
}

std::ptrdiff_t count(const HttpRequest& request, std::string_view name) {
  return absl::c_count_if(request.fields, [&](const auto& field) { return field.first == name; });
}

bool lists(const std::optional<std::string_view>& field, std::string_view wanted) {
  return field.has_value() &&
         absl::c_any_of(absl::StrSplit(*field, ','), [&](std::string_view item) {
           return absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(item), wanted);
         });
}

bool wants_keep_alive(const HttpRequest& request, bool http_1_1) {
  const auto connection = request.field("connection");
  return http_1_1 ? !lists(connection, "close") : lists(connection, "keep-alive");
}

}  // namespace

HttpError::HttpError(int status)
    : std::runtime_error(std::string(http_reason(status))), status_(status) {}

std::optional<std::string_view> HttpRequest::field(std::string_view name) const {
  const auto found =
      absl::c_find_if(fields, [&](const auto& field) { return field.first == name; });
  if (found == fields.end()) return std::nullopt;
  return found->second;
}

HttpRequest parse_request(std::string_view head) {
  while (absl::ConsumePrefix(&head, kEndOfLine)) continue;
  absl::ConsumeSuffix(&head, "\r\n\r\n");
  const std::vector<std::string_view> lines = absl::StrSplit(head, kEndOfLine);
  const std::vector<std::string_view> words = absl::StrSplit(lines[0], ' ');
  if (words.size() != 3 || !is_token(words[0]) || has_controls(lines[0])) throw HttpError(400);
  const bool http_1_1 = is_http_1_1(words[2]);

  HttpRequest request;
  request.method = std::string(words[0]);
  request.path = path_of(words[1]);
  for (std::size_t i = 1; i < lines.size(); ++i) request.fields.push_back(parse_field(lines[i]));

  const std::ptrdiff_t hosts = count(request, "host");
  if (hosts > 1 || (http_1_1 && hosts == 0)) throw HttpError(400);
  if (count(request, "content-length") > 1) throw HttpError(400);
  request.keep_alive = wants_keep_alive(request, http_1_1);
  request.has_body = request.field("transfer-encoding").has_value() ||
                     request.field("content-length").value_or("0") != "0";
  return request;
}

std::string_view http_reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 206:
      return "Partial Content";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 416:
      return "Range Not Satisfiable";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Error";
  }
}

}  // namespace examples
