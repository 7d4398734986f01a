// Sends every datagram back to where it came from: try it with `nc -u localhost 8888`.

#include <memory>
#include <string_view>

#include "asyncio/asyncio.h"
#include "examples/serving.h"

using asyncio::Coro;

class Echo : public asyncio::DatagramProtocol {
 public:
  void connection_made(asyncio::DatagramTransport& transport) override { transport_ = &transport; }
  void datagram_received(std::string_view data, const asyncio::SocketAddress& sender) override {
    if (!congested_) transport_->sendto(data, sender);
  }

  // What the network has no room for is dropped, as a router would, and not kept for later.
  void pause_writing() override { congested_ = true; }
  void resume_writing() override { congested_ = false; }

 private:
  asyncio::DatagramTransport* transport_ = nullptr;
  bool congested_ = false;
};

Coro<> serve(examples::ListenAddress address) {
  auto make_echo = [] { return std::make_shared<Echo>(); };
  const asyncio::DatagramOptions here{.local_addr = asyncio::HostPort{address.host, address.port}};
  auto [transport, echo] = co_await asyncio::create_datagram_endpoint(make_echo, here);
  examples::announce(transport->sockname());
  co_await asyncio::sleep(asyncio::Duration::infinite());
}

int main(int argc, char** argv) { return examples::serve_until_interrupted(serve, argc, argv); }
