// A protocol that writes down what its transport calls, and does in each call what a test wants.
#ifndef TRANSPORTS_TEST_RECORDER_H_
#define TRANSPORTS_TEST_RECORDER_H_

#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/transports/protocol.h"
#include "asyncio/transports/transport.h"
#include "transports/test/watched_loop.h"

namespace asyncio {

class Recorder : public Protocol {
 public:
  void connection_made(Transport& made) override {
    calls.emplace_back("made");
    transport = &made;
    if (on_made) on_made();
  }

  // Data that arrive in pieces are written down as one.
  void data_received(std::string_view data) override {
    if (calls.empty() || calls.back() != "data") calls.emplace_back("data");
    received += data;
    if (on_data) on_data();
  }

  bool eof_received() override {
    calls.emplace_back("eof");
    if (on_eof) on_eof();
    return stays_open;
  }

  void connection_lost(std::exception_ptr why) override {
    calls.push_back(why == nullptr ? "lost" : "lost: " + text_of(why));
    error = std::move(why);
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

  std::vector<std::string> calls;
  std::string received;
  Transport* transport = nullptr;  // while connected
  std::exception_ptr error;        // what connection_lost() got
  bool lost = false;

  bool stays_open = false;  // what eof_received() answers
  std::function<void()> on_made;
  std::function<void()> on_data;
  std::function<void()> on_eof;
  std::function<void()> on_lost;
  std::function<void()> on_pause;
  std::function<void()> on_resume;
};

using Calls = std::vector<std::string>;

}  // namespace asyncio

#endif  // TRANSPORTS_TEST_RECORDER_H_
