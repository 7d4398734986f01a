// A datagram protocol that writes down what its transport calls, and does in each call what a test
// wants.
#ifndef TRANSPORTS_TEST_DATAGRAM_RECORDER_H_
#define TRANSPORTS_TEST_DATAGRAM_RECORDER_H_

#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/transports/address.h"
#include "asyncio/transports/datagram_transport.h"
#include "asyncio/transports/protocol.h"
#include "transports/test/watched_loop.h"

namespace asyncio {

class DatagramRecorder : public DatagramProtocol {
 public:
  void connection_made(DatagramTransport& made) override {
    calls.emplace_back("made");
    transport = &made;
    if (on_made) on_made();
  }

  void datagram_received(std::string_view data, const SocketAddress& sender) override {
    received.emplace_back(data);
    last_sender = sender;
    if (on_datagram) on_datagram();
  }

  void error_received(std::exception_ptr why) override {
    calls.push_back("error: " + text_of(why));
    last_error = std::move(why);
    if (on_error) on_error();
  }

  void connection_lost(std::exception_ptr why) override {
    calls.push_back(why == nullptr ? "lost" : "lost: " + text_of(why));
    if (on_lost) on_lost();
    transport = nullptr;
    lost = true;
  }

  void pause_writing() override {
    calls.emplace_back("pause");
    if (on_pause) on_pause();
  }
  void resume_writing() override {
    calls.emplace_back("resume");
    if (on_resume) on_resume();
  }

  std::vector<std::string> calls;  // but for datagrams
  std::vector<std::string> received;
  SocketAddress last_sender;
  std::exception_ptr last_error;
  DatagramTransport* transport = nullptr;  // while it is open
  bool lost = false;

  std::function<void()> on_made;
  std::function<void()> on_datagram;
  std::function<void()> on_error;
  std::function<void()> on_lost;
  std::function<void()> on_pause;
  std::function<void()> on_resume;
};

}  // namespace asyncio

#endif  // TRANSPORTS_TEST_DATAGRAM_RECORDER_H_
