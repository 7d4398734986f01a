// Every line that one client sends goes to all the others: try it with several `nc localhost 8888`.

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "asyncio/asyncio.h"
#include "examples/serving.h"

using asyncio::Coro;

class Room {
 public:
  // One client, from its first line, which is its name, to its last, or to the loss of it.
  Coro<> enter(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    try {
      co_await talk(reader, writer);
    } catch (const asyncio::ConnectionError&) {
      // Who hangs up in the middle of a sentence has left like anybody else.
    }
  }

 private:
  Coro<> talk(asyncio::StreamReader& reader, asyncio::StreamWriter& writer) {
    writer.write("name? ");
    const std::string name = trimmed(co_await reader.readline());
    const Seat seat(*this, writer, name);
    while (std::optional<std::string> line = co_await reader.next()) {
      say(writer, name + ": " + trimmed(*line) + "\n");
      co_await writer.drain();
    }
  }

  // A place in the room, for as long as the client is here.
  class Seat {
   public:
    Seat(Room& room, const asyncio::StreamWriter& writer, const std::string& name)
        : room_(room), writer_(writer), name_(name) {
      room_.writers_.insert(&writer_);
      room_.say(writer_, "* " + name_ + " joined\n");
    }
    ~Seat() {
      room_.writers_.erase(&writer_);
      room_.say(writer_, "* " + name_ + " left\n");
    }

   private:
    Room& room_;
    const asyncio::StreamWriter& writer_;
    const std::string& name_;
  };

  static std::string trimmed(std::string line) {
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
    return line;
  }

  // Nobody waits for a slow listener: what it does not read is buffered for it.
  void say(const asyncio::StreamWriter& speaker, std::string_view text) const {
    for (const asyncio::StreamWriter* writer : writers_) {
      if (writer != &speaker) writer->write(text);
    }
  }

  std::set<const asyncio::StreamWriter*> writers_;
};

// The room belongs to whoever may still be in it: clients may stay a little longer than the server.
Coro<> serve(examples::ListenAddress address) {
  auto enter = [room = std::make_shared<Room>()](asyncio::StreamReader reader,
                                                 asyncio::StreamWriter writer) {
    return room->enter(std::move(reader), std::move(writer));
  };
  asyncio::Server server = co_await asyncio::start_server(enter, address.host, address.port);
  co_await examples::announce_and_serve(std::move(server));
}

int main(int argc, char** argv) { return examples::serve_until_interrupted(serve, argc, argv); }
