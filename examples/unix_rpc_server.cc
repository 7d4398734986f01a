// Answers calls over a Unix socket, those of its own user only:
//
//   $ unix_rpc_server --path=/tmp/rpc.sock &
//   $ echo "add 40 2" | nc -N -U /tmp/rpc.sock
//   ok 42
//
// A call is a line: a method and its arguments, with spaces between them. The answer is a line,
// "ok RESULT" or "error REASON", and comes before the next call is read.

#include <sys/types.h>
#include <unistd.h>

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "asyncio/asyncio.h"
#include "examples/serving.h"

ABSL_FLAG(std::string, path, "/tmp/rpc.sock", "where the socket is made");

using asyncio::Coro;

// What the caller did wrong.
class CallError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Call {
  std::vector<std::string> words;  // the method and its arguments
  asyncio::PeerCredentials caller;
};

Coro<std::string> add(const Call* call) {
  std::int64_t sum = 0;
  for (std::size_t i = 1; i < call->words.size(); ++i) {
    std::int64_t number = 0;
    if (!absl::SimpleAtoi(call->words[i], &number)) {
      throw CallError(absl::StrCat("not a number: ", call->words[i]));
    }
    if (__builtin_add_overflow(sum, number, &sum)) throw CallError("too large");
  }
  co_return absl::StrCat(sum);
}

// Other callers are answered meanwhile.
Coro<std::string> nap(const Call* call) {
  absl::Duration length;
  if (call->words.size() != 2 || !absl::ParseDuration(call->words[1], &length)) {
    throw CallError("how long? nap 1.5s");
  }
  co_await asyncio::sleep(length);
  co_return "slept";
}

Coro<std::string> whoami(const Call* call) {
  const auto& [pid, uid, gid] = call->caller;
  co_return absl::StrCat("process ", pid, " user ", uid, " group ", gid);
}

Coro<std::string> result_of(const Call* call) {
  static const std::map<std::string_view, Coro<std::string> (*)(const Call*)> methods = {
      {"add", add}, {"nap", nap}, {"whoami", whoami}};
  const auto method = methods.find(call->words.front());
  if (method == methods.end()) throw CallError("no such method: " + call->words.front());
  return method->second(call);
}

Coro<std::string> answer_to(const Call* call) {
  try {
    const std::string result = co_await result_of(call);
    co_return "ok " + result + "\n";
  } catch (const CallError& error) {
    co_return absl::StrCat("error ", error.what(), "\n");
  }
}

Coro<> answer_calls(const asyncio::StreamReader* reader, const asyncio::StreamWriter* writer) {
  Call call;
  call.caller = asyncio::peer_credentials(writer->transport()->fileno());
  if (call.caller.uid != geteuid()) co_return;
  while (const std::optional<std::string> line = co_await reader->next()) {
    call.words = absl::StrSplit(absl::StripSuffix(*line, "\n"), ' ');
    const std::string answer = co_await answer_to(&call);
    writer->write(answer);
    co_await writer->drain();
  }
}

Coro<> serve_client(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  try {
    co_await answer_calls(&reader, &writer);
  } catch (const asyncio::ConnectionError&) {
    // The caller does not wait for an answer.
  } catch (const std::invalid_argument&) {
    writer.write("error too long a line\n");
  }
}

// Nobody else may even connect.
Coro<> serve(std::string path) {
  asyncio::Server server = co_await asyncio::start_unix_server(serve_client, path, {.mode = 0600});
  co_await examples::announce_and_serve(std::move(server));
}

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  return examples::until_interrupted([] { asyncio::run(serve, absl::GetFlag(FLAGS_path)); });
}
