// Sends back whatever it receives, with a Protocol: callbacks in place of coroutines.

#include <exception>
#include <memory>
#include <string_view>

#include "asyncio/asyncio.h"
#include "examples/serving.h"

using asyncio::Coro;

class Echo : public asyncio::Protocol {
 public:
  void connection_made(asyncio::Transport& transport) override { transport_ = &transport; }
  void data_received(std::string_view data) override { transport_->write(data); }
  void connection_lost(std::exception_ptr) override { transport_ = nullptr; }

  // A peer that does not read is not read from.
  void pause_writing() override { transport_->pause_reading(); }
  void resume_writing() override { transport_->resume_reading(); }

 private:
  asyncio::Transport* transport_ = nullptr;
};

Coro<> serve(examples::ListenAddress address) {
  auto make_echo = [] { return std::make_shared<Echo>(); };
  asyncio::Server server = co_await asyncio::create_server(make_echo, address.host, address.port);
  co_await examples::announce_and_serve(std::move(server));
}

int main(int argc, char** argv) { return examples::serve_until_interrupted(serve, argc, argv); }
