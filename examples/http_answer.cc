#include "examples/http_answer.h"

#include <cstdint>
#include <string_view>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"

namespace examples {
namespace {

constexpr std::string_view kTimeFormat = "%a, %d %b %Y %H:%M:%S GMT";

constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
    {".css", "text/css; charset=utf-8"},
    {".html", "text/html; charset=utf-8"},
    {".ico", "image/x-icon"},
    {".jpg", "image/jpeg"},
    {".js", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".mp4", "video/mp4"},
    {".pdf", "application/pdf"},
    {".png", "image/png"},
    {".svg", "image/svg+xml"},
    {".txt", "text/plain; charset=utf-8"},
    {".wasm", "application/wasm"},
    {".webp", "image/webp"},
    {".woff2", "font/woff2"},
};

std::string_view type_of(std::string_view path) {
  const auto* type = absl::c_find_if(
      kTypes, [&](const auto& type) { return absl::EndsWithIgnoreCase(path, type.first); });
  return type == std::end(kTypes) ? "application/octet-stream" : type->second;
}

absl::Time modified(const OpenFile& file) { return absl::FromTimeT(file.modified.tv_sec); }

// Another one when the file has changed.
std::string tag_of(const OpenFile& file) {
  return absl::StrFormat("\"%x-%x-%x\"", file.modified.tv_sec, file.modified.tv_nsec, file.size);
}

bool lists(std::string_view tags, std::string_view wanted) {
  return absl::c_any_of(absl::StrSplit(tags, ','), [&](std::string_view tag) {
    tag = absl::StripAsciiWhitespace(tag);
    absl::ConsumePrefix(&tag, "W/");
    return tag == "*" || tag == wanted;
  });
}

// Whether the client has this very file already.
bool is_known(const HttpRequest& request, const OpenFile& file) {
  if (const auto tags = request.field("if-none-match")) return lists(*tags, tag_of(file));
  absl::Time since;
  std::string error;
  const std::string_view text = request.field("if-modified-since").value_or("");
  return absl::ParseTime(kTimeFormat, text, &since, &error) && modified(file) <= since;
}

std::optional<RangeField> wanted_range(const HttpRequest& request, const OpenFile& file) {
  if (request.method != "GET") return std::nullopt;
  const std::string tag = tag_of(file);
  if (request.field("if-range").value_or(tag) != tag) return std::nullopt;
  return parse_range(request.field("range").value_or(""));
}

HttpAnswer not_modified(std::string fields) {
  HttpAnswer answer;
  answer.status = 304;
  answer.fields = std::move(fields);
  return answer;
}

HttpAnswer not_satisfiable(const OpenFile& file) {
  HttpAnswer answer = status_answer(416);
  absl::StrAppend(&answer.fields, "Content-Range: bytes */", file.size, "\r\n");
  return answer;
}

// What a range that is not there stands for: all of it.
std::optional<ByteRange> part_of(const OpenFile& file, const std::optional<RangeField>& range) {
  return range.has_value() ? range->within(file.size) : ByteRange{0, file.size};
}

HttpAnswer file_answer(const HttpRequest& request, std::string_view path, OpenFile file) {
  std::string fields = absl::StrCat(
      "ETag: ", tag_of(file),
      "\r\nLast-Modified: ", absl::FormatTime(kTimeFormat, modified(file), absl::UTCTimeZone()),
      "\r\nAccept-Ranges: bytes\r\n");
  if (is_known(request, file)) return not_modified(std::move(fields));
  const std::optional<RangeField> range = wanted_range(request, file);
  const std::optional<ByteRange> part = part_of(file, range);
  if (!part.has_value()) return not_satisfiable(file);
  if (range.has_value()) {
    absl::StrAppend(&fields, "Content-Range: bytes ", part->first, "-",
                    part->first + part->size - 1, "/", file.size, "\r\n");
  }
  absl::StrAppend(&fields, "Content-Type: ", type_of(path), "\r\nContent-Length: ", part->size,
                  "\r\n");
  return {range.has_value() ? 206 : 200, std::move(fields), "", std::move(file), *part};
}

HttpAnswer answer_with_body(const HttpRequest& request, const ServedFolder& folder) {
  std::string_view path = request.path;
  while (absl::ConsumePrefix(&path, "/")) continue;
  const bool is_folder = absl::EndsWith(request.path, "/");
  const std::string name = absl::StrCat(path, is_folder ? "index.html" : "");
  try {
    std::optional<OpenFile> file = folder.open(name);
    if (!file.has_value()) return status_answer(404);
    return file_answer(request, name, *std::move(file));
  } catch (const asyncio::OsError&) {
    return status_answer(503);
  }
}

}  // namespace

HttpAnswer status_answer(int status) {
  HttpAnswer answer;
  answer.status = status;
  answer.text = absl::StrCat(status, " ", http_reason(status), "\n");
  answer.fields =
      absl::StrCat("Content-Type: text/plain\r\nContent-Length: ", answer.text.size(), "\r\n");
  return answer;
}

HttpAnswer answer_to(const HttpRequest& request, const ServedFolder& folder) {
  if (request.method != "GET" && request.method != "HEAD") {
    HttpAnswer answer = status_answer(405);
    answer.fields += "Allow: GET, HEAD\r\n";
    return answer;
  }
  HttpAnswer answer = answer_with_body(request, folder);
  if (request.method == "HEAD") {
    answer.text.clear();
    answer.file.reset();
  }
  return answer;
}

}  // namespace examples
