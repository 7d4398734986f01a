// Sends the files of a folder over HTTP/1.1: try it with a browser.
//
//   http_server --root=/usr/share/doc
//
// Connections are kept, requests may be pipelined, and the kernel sends the files from its cache.
// Who is slow to ask, or to take the answer, is hung up on.

#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "asyncio/asyncio.h"
#include "examples/http_answer.h"
#include "examples/http_request.h"
#include "examples/served_folder.h"
#include "examples/serving.h"

ABSL_FLAG(std::string, root, ".", "folder whose files are sent");
ABSL_FLAG(absl::Duration, patience, absl::Seconds(15), "how long a client may take to ask or rest");

using asyncio::Coro;
using examples::HttpAnswer;
using examples::HttpRequest;
using examples::ServedFolder;

constexpr std::size_t kLongestHead = 16 * 1024;
constexpr auto kFarewell = std::chrono::seconds(2);

// The next request up to its empty line; nullopt if the client is done, or lets us wait too long.
Coro<std::optional<std::string>> next_head(const asyncio::StreamReader* reader) {
  try {
    co_return co_await asyncio::with(
        asyncio::timeout(absl::GetFlag(FLAGS_patience)),
        [&](asyncio::Timeout&) { return reader->readuntil("\r\n\r\n"); });
  } catch (const asyncio::LimitOverrunError&) {
    throw examples::HttpError(431);
  } catch (const asyncio::IncompleteReadError&) {
    co_return std::nullopt;
  } catch (const asyncio::TimeoutError&) {
    co_return std::nullopt;
  }
}

Coro<> send(const asyncio::StreamWriter* writer, const HttpAnswer* answer, bool keep_alive) {
  writer->write(absl::StrCat(
      "HTTP/1.1 ", answer->status, " ", examples::http_reason(answer->status),
      "\r\nDate: ", absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", absl::Now(), absl::UTCTimeZone()),
      "\r\n", answer->fields, "Connection: ", keep_alive ? "keep-alive" : "close", "\r\n\r\n",
      answer->text));
  co_await writer->drain();
  const auto& [first, size] = answer->part;
  if (!answer->file.has_value() || size == 0) co_return;
  const std::size_t sent = co_await asyncio::sendfile(
      *writer->transport(), answer->file->descriptor.get(), {.offset = first, .count = size});
  // A file that has become shorter: the client must not take what comes next for the rest of it.
  if (static_cast<std::int64_t>(sent) != size) asyncio::throw_os_error(ECONNABORTED, "sendfile");
}

// A request and its answer; whether another one may follow. The body of a request is not looked at,
// so none may follow that.
Coro<bool> exchange(const ServedFolder* folder, const asyncio::StreamReader* reader,
                    const asyncio::StreamWriter* writer) {
  HttpAnswer answer;
  bool keep_alive = false;
  try {
    const std::optional<std::string> head = co_await next_head(reader);
    if (!head.has_value()) co_return false;
    const HttpRequest request = examples::parse_request(*head);
    keep_alive = request.keep_alive && !request.has_body;
    answer = examples::answer_to(request, *folder);
  } catch (const examples::HttpError& error) {
    answer = examples::status_answer(error.status());
  }
  co_await send(writer, &answer, keep_alive);
  co_return keep_alive;
}

Coro<> drop_the_rest(const asyncio::StreamReader* reader) {
  std::array<char, 4096> buffer;
  while (co_await reader->read_into(buffer) > 0) continue;
}

// To close while the client still sends would reset the connection, and the answer might be lost.
Coro<> say_goodbye(const asyncio::StreamReader* reader, const asyncio::StreamWriter* writer) {
  writer->write_eof();
  co_await asyncio::with(asyncio::timeout(kFarewell),
                         [&](asyncio::Timeout&) { return drop_the_rest(reader); });
}

Coro<> serve_client(std::shared_ptr<const ServedFolder> folder, asyncio::StreamReader reader,
                    asyncio::StreamWriter writer) {
  try {
    while (co_await exchange(folder.get(), &reader, &writer)) continue;
    co_await say_goodbye(&reader, &writer);
  } catch (const asyncio::OsError&) {
    // The client is gone, or does not go.
    if (asyncio::Transport* transport = writer.transport()) transport->abort();
  }
}

Coro<> serve(examples::ListenAddress address) {
  auto serve_from = [folder = std::make_shared<ServedFolder>(absl::GetFlag(FLAGS_root))](
                        asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    return serve_client(folder, std::move(reader), std::move(writer));
  };
  const asyncio::ServerLimits limits{.first_byte_timeout = absl::GetFlag(FLAGS_patience),
                                     .idle_timeout = absl::GetFlag(FLAGS_patience)};
  asyncio::Server server = co_await asyncio::start_server(
      serve_from, address.host, address.port, {.limit = kLongestHead, .limits = limits});
  co_await examples::announce_and_serve(std::move(server));
}

int main(int argc, char** argv) { return examples::serve_until_interrupted(serve, argc, argv); }
