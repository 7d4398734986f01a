// Every line that one client sends goes to all the others: try it with several `nc localhost 8888`.

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "asyncio/asyncio.h"
#include "examples/serving.h"

using asyncio::Coro;

class Room {
 public:
  // One client, from its first line, which is its name, to its last.
  Coro<> enter(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    writer.write("name? ");
    const std::string name = trimmed(co_await reader.readline());
    const Seat seat(*this, writer);
    say(writer, "* " + name + " joined\n");
    while (std::optional<std::string> line = co_await reader.next()) {
      say(writer, name + ": " + trimmed(*line) + "\n");
      co_await writer.drain();
    }
    say(writer, "* " + name + " left\n");
  }

 private:
  // A place among the writers, for as long as the client is here.
  class Seat {
   public:
    Seat(Room& room, asyncio::StreamWriter& writer) : room_(room), writer_(writer) {
      room_.writers_.insert(&writer_);
    }
    ~Seat() { room_.writers_.erase(&writer_); }

   private:
    Room& room_;
    asyncio::StreamWriter& writer_;
  };

  static std::string trimmed(std::string line) {
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
    return line;
  }

  // Nobody waits for a slow listener: what it does not read is buffered for it.
  void say(const asyncio::StreamWriter& speaker, std::string_view text) {
    for (asyncio::StreamWriter* writer : writers_) {
      if (writer != &speaker) writer->write(text);
    }
  }

  std::set<asyncio::StreamWriter*> writers_;
};

Coro<> serve(examples::ListenAddress address) {
  Room room;
  auto enter = [&room](asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    return room.enter(std::move(reader), std::move(writer));
  };
  asyncio::Server server = co_await asyncio::start_server(enter, address.host, address.port);
  co_await examples::announce_and_serve(std::move(server));
}

int main(int argc, char** argv) {
  return examples::serve_until_interrupted(serve, argc, argv);
}
