// In which context a server's factory and the callbacks of its connections run.
#include <cstddef>
#include <exception>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/events/context.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/task.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/server.h"
#include "asyncio/transports/transport.h"
#include "gtest/gtest.h"
#include "transports/test/peer.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

const ContextVar<std::string> label("label", "unset");

// Writes down the label in each call, and then sets its own.
class Labelled : public Protocol {
 public:
  Labelled(std::vector<std::string>* seen, std::string own) : seen_(seen), own_(std::move(own)) {}

  void connection_made(Transport& made) override {
    transport = &made;
    see("made");
  }
  void data_received(std::string_view data) override {
    see("data");
    received += data;
  }
  bool eof_received() override {
    see("eof");
    return false;
  }
  void pause_writing() override { see("pause"); }
  void resume_writing() override { see("resume"); }
  void connection_lost(std::exception_ptr) override {
    see("lost");
    transport = nullptr;
    lost = true;
  }

  Transport* transport = nullptr;
  std::string received;
  bool lost = false;

 private:
  void see(const std::string& call) {
    seen_->push_back(call + ": " + label.get());
    label.set(own_);
  }

  std::vector<std::string>* seen_;
  std::string own_;
};

using Seen = std::vector<std::string>;

class ServerContextTest : public ::testing::Test {
 protected:
  Coro<Server> serve(ServerOptions options = ServerOptions()) {
    return create_server(
        [this] {
          factory_saw_.push_back(label.get());
          label.set("factory's");
          seen_.emplace_back(std::make_unique<Seen>());
          const std::string own = "client " + std::to_string(seen_.size());
          return clients_.emplace_back(std::make_shared<Labelled>(seen_.back().get(), own));
        },
        "127.0.0.1", 0, options);
  }

  static Peer connect(const Server& server) {
    return Peer::connect(server.sockets()[0].getsockname());
  }

  Seen factory_saw_;
  std::vector<std::unique_ptr<Seen>> seen_;
  std::vector<std::shared_ptr<Labelled>> clients_;
  WatchedLoop loop_;
};

TEST_F(ServerContextTest, EachConnectionHasACopyOfTheOneInWhichTheServerWasMade) {
  loop_.run([&]() -> Coro<> {
    label.set("maker's");
    const Server server = co_await serve();
    label.set("later");
    for (std::size_t i = 0; i < 2; ++i) {
      const Peer peer = connect(server);
      peer.send("x");
      peer.shutdown_write();
      co_await until([&] { return clients_.size() == i + 1 && clients_[i]->lost; });
    }
    EXPECT_EQ(label.get(), "later");
  });
  EXPECT_EQ(factory_saw_, (Seen{"maker's", "maker's"}));
  EXPECT_EQ(*seen_[0],
            (Seen{"made: factory's", "data: client 1", "eof: client 1", "lost: client 1"}));
  EXPECT_EQ(*seen_[1],
            (Seen{"made: factory's", "data: client 2", "eof: client 2", "lost: client 2"}));
}

TEST_F(ServerContextTest, ItIsTheOneInWhichItWasMadeNotTheOneInWhichItBegan) {
  loop_.run([&]() -> Coro<> {
    label.set("maker's");
    const ServerOptions not_yet{.start_serving = false};
    const Server server = co_await serve(not_yet);
    auto start = [&]() -> Coro<> {
      label.set("starter's");
      co_await server.start_serving();
    };
    co_await create_task(start);
    const Peer peer = connect(server);
    co_await until([&] { return clients_.size() == 1; });
  });
  EXPECT_EQ(factory_saw_, Seen{"maker's"});
}

TEST_F(ServerContextTest, WhatAConnectionDoesIsSeenByNoOtherThatIsOpen) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    const Peer first = connect(server);
    const Peer second = connect(server);
    co_await until([&] { return clients_.size() == 2 && seen_[1]->size() == 1; });
    for (const char* text : {"a", "b"}) {
      first.send(text);
      second.send(text);
      co_await until([&] {
        return clients_[0]->received.ends_with(text) && clients_[1]->received.ends_with(text);
      });
    }
    EXPECT_EQ(label.get(), "unset");
  });
  EXPECT_EQ(factory_saw_, (Seen{"unset", "unset"}));
  EXPECT_EQ(seen_[0]->at(1), "data: client 1");
  EXPECT_EQ(seen_[0]->at(2), "data: client 1");
  EXPECT_EQ(seen_[1]->at(1), "data: client 2");
}

// Registering again must not take the context of whoever asks for it.
TEST_F(ServerContextTest, AfterATaskHasPausedAndResumedReadingItIsStillTheConnectionsOwn) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    const Peer peer = connect(server);
    co_await until([&] { return clients_.size() == 1 && seen_[0]->size() == 1; });
    auto pause_and_resume = [&]() -> Coro<> {
      label.set("task's");
      clients_[0]->transport->pause_reading();
      co_await turns(2);
      clients_[0]->transport->resume_reading();
    };
    co_await create_task(pause_and_resume);
    peer.send("x");
    co_await until([&] { return clients_[0]->received == "x"; });
  });
  EXPECT_EQ(seen_[0]->at(1), "data: client 1");
}

TEST_F(ServerContextTest, AfterATaskHasFilledTheBufferItIsStillTheConnectionsOwn) {
  loop_.run([&]() -> Coro<> {
    const Server server = co_await serve();
    const Peer peer = connect(server);
    co_await until([&] { return clients_.size() == 1 && seen_[0]->size() == 1; });
    const std::string much = noise(8 << 20);
    auto fill = [&]() -> Coro<> {
      label.set("task's");
      clients_[0]->transport->write(much);
      co_return;
    };
    co_await create_task(fill);
    EXPECT_TRUE(co_await peer.recv_all(much.size()) == much);
    clients_[0]->transport->close();
    co_await until([&] { return clients_[0]->lost; });
  });
  EXPECT_EQ(seen_[0]->at(2), "resume: client 1");
  EXPECT_EQ(seen_[0]->at(3), "lost: client 1");
}

}  // namespace
}  // namespace asyncio
