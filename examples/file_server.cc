// Sends the files of a folder:
//
//   $ file_server --root=/usr/share/doc &
//   $ echo "bash/README" | nc -N localhost 8888
//
// A request is a line: the path of a file. The answer is a line, its size and "bytes", and then the
// file, which the kernel sends from its cache; or the line "no such file". Any number of requests.

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "asyncio/asyncio.h"
#include "examples/served_folder.h"
#include "examples/serving.h"

ABSL_FLAG(std::string, root, ".", "folder whose files are sent");

using asyncio::Coro;

// Whether all of it was sent; else it has become shorter meanwhile.
Coro<bool> send_file(const asyncio::StreamWriter* writer, const examples::OpenFile* file) {
  writer->write(absl::StrCat(file->size, " bytes\n"));
  co_await writer->drain();
  if (file->size == 0) co_return true;
  const std::size_t sent = co_await asyncio::sendfile(*writer->transport(), file->descriptor.get(),
                                                      {.count = file->size});
  co_return static_cast<std::int64_t>(sent) == file->size;
}

Coro<> answer_requests(const examples::ServedFolder* folder, const asyncio::StreamReader* reader,
                       const asyncio::StreamWriter* writer) {
  while (const std::optional<std::string> line = co_await reader->next()) {
    const auto file = folder->open(std::string(absl::StripSuffix(*line, "\n")));
    if (!file.has_value()) {
      writer->write("no such file\n");
    } else if (!co_await send_file(writer, &*file)) {
      break;
    }
  }
}

Coro<> serve_client(std::shared_ptr<const examples::ServedFolder> folder,
                    asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  try {
    co_await answer_requests(folder.get(), &reader, &writer);
  } catch (const asyncio::ConnectionError&) {
    // Nobody waits for the rest.
  } catch (const std::invalid_argument&) {
    writer.write("too long a line\n");
  }
}

Coro<> serve(examples::ListenAddress address) {
  auto serve_from = [folder = std::make_shared<examples::ServedFolder>(absl::GetFlag(FLAGS_root))](
                        asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    return serve_client(folder, std::move(reader), std::move(writer));
  };
  asyncio::Server server = co_await asyncio::start_server(serve_from, address.host, address.port);
  co_await examples::announce_and_serve(std::move(server));
}

int main(int argc, char** argv) { return examples::serve_until_interrupted(serve, argc, argv); }
