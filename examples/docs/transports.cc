// [program]
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "asyncio/events/running_loop.h"
#include "asyncio/futures/future.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/run.h"
#include "asyncio/transports/connection.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/server.h"
#include "asyncio/transports/transport.h"

using asyncio::Coro;

// Sends back what it receives, and closes when the client has sent everything.
class Echo : public asyncio::Protocol {
 public:
  void connection_made(asyncio::Transport& transport) override { transport_ = &transport; }
  void data_received(std::string_view data) override { transport_->write(data); }

  // Who does not read is not read from.
  void pause_writing() override { transport_->pause_reading(); }
  void resume_writing() override { transport_->resume_reading(); }

 private:
  asyncio::Transport* transport_ = nullptr;
};

// Asks one question. The answer is there when the connection has ended.
class Question : public asyncio::Protocol {
 public:
  explicit Question(std::string text) : text_(std::move(text)) {}

  asyncio::Future<std::string> answer() const { return answer_; }

  void connection_made(asyncio::Transport& transport) override {
    transport.write(text_);
    transport.write_eof();
  }
  void data_received(std::string_view data) override { received_.append(data); }
  void connection_lost(std::exception_ptr error) override {
    if (answer_.done()) return;  // whoever asked has given up
    if (error != nullptr) {
      answer_.set_exception(error);
    } else {
      answer_.set_result(received_);
    }
  }

 private:
  std::string text_;
  std::string received_;
  asyncio::Future<std::string> answer_;
};

Coro<int> ask_ourselves() {
  auto make_echo = [] { return std::make_shared<Echo>(); };
  asyncio::Server server = co_await asyncio::create_server(make_echo, "127.0.0.1", 0);
  const asyncio::SocketAddress here = server.sockets()[0].getsockname();

  auto make_question = [] { return std::make_shared<Question>("Who is there?"); };
  auto [transport, question] =
      co_await asyncio::create_connection(make_question, here.host(), here.port());
  const std::string answer = co_await question->answer();
  std::printf("%s answers: %s\n", transport->peername().host().c_str(), answer.c_str());

  server.close();
  co_await server.wait_closed();
  co_return answer == "Who is there?" ? 0 : 1;
}

int main() { return asyncio::run(ask_ourselves()); }
// [program]
