// A line server inside GLib's main loop: one thread, GLib in charge, our loop its guest.
//
// A line comes back as it was, with four exceptions: "ticks" is answered with how often GLib's
// timer has fired, "next tick" with the same as soon as it has fired again, "sleep" by a timer of
// ours, and "thread" by another thread.

#include "examples/glib_guest.h"

#include <glib.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/time/time.h"
#include "asyncio/asyncio.h"
#include "examples/serving.h"

ABSL_FLAG(absl::Duration, tick, absl::Milliseconds(100), "how often GLib's timer fires");

using asyncio::Coro;
using namespace std::chrono_literals;

// What GLib does meanwhile: it counts.
class Ticker {
 public:
  explicit Ticker(absl::Duration period)
      : source_(
            g_timeout_add(static_cast<guint>(absl::ToInt64Milliseconds(period)), on_tick, this)) {}
  ~Ticker() { g_source_remove(source_); }

  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;

  std::int64_t count() const { return count_; }

  // Done at the next tick.
  asyncio::Future<std::int64_t> next() {
    return waiting_.emplace_back(asyncio::create_future<std::int64_t>(asyncio::get_running_loop()));
  }

 private:
  // GLib's callback. What it completes goes on in our loop's next turn.
  static gboolean on_tick(gpointer self) {
    auto& ticker = *static_cast<Ticker*>(self);
    ++ticker.count_;
    for (const auto& future : std::exchange(ticker.waiting_, {})) {
      if (!future.done()) future.set_result(ticker.count_);
    }
    return G_SOURCE_CONTINUE;
  }

  const guint source_;
  std::int64_t count_ = 0;
  std::vector<asyncio::Future<std::int64_t>> waiting_;
};

Coro<std::string> answer(std::string line, Ticker* ticker) {
  if (line == "ticks\n") co_return std::to_string(ticker->count()) + "\n";
  if (line == "next tick\n") co_return std::to_string(co_await ticker->next()) + "\n";
  if (line == "sleep\n") {
    co_await asyncio::sleep(20ms);
    co_return "slept\n";
  }
  if (line == "thread\n") {
    // The thread posts its answer to our loop, and that wakes GLib.
    co_return co_await asyncio::run_in_executor(nullptr, [] { return std::string("done\n"); });
  }
  co_return line;
}

Coro<> serve(examples::ListenAddress address, Ticker* ticker) {
  auto talk = [ticker](asyncio::StreamReader reader, asyncio::StreamWriter writer) -> Coro<> {
    try {
      while (std::optional<std::string> line = co_await reader.next()) {
        writer.write(co_await answer(*std::move(line), ticker));
        co_await writer.drain();
      }
    } catch (const asyncio::ConnectionError&) {
      // The client is gone.
    }
  };
  asyncio::Server server = co_await asyncio::start_server(talk, address.host, address.port);
  co_await examples::announce_and_serve(std::move(server));
}

// [host]
// Serves inside GLib's main loop until Ctrl-C.
void run_inside_glib(const examples::ListenAddress& address, absl::Duration tick) {
  const std::unique_ptr<GMainLoop, decltype(&g_main_loop_unref)> host(
      g_main_loop_new(nullptr, FALSE), g_main_loop_unref);
  Ticker ticker(tick);

  asyncio::Runner runner;  // only for its orderly end
  asyncio::EventLoop& loop = runner.get_loop();
  asyncio::Task<> task = asyncio::create_task(loop, serve, address, &ticker);
  task.add_done_callback([&loop](const asyncio::AnyFuture&) { loop.stop(); });
  loop.add_signal_handler(SIGINT, [&task] { task.cancel(); });
  {
    examples::GlibGuest guest(loop, host.get());
    g_main_loop_run(host.get());
    guest.rethrow();
  }
  runner.close();  // ends what is left, as run() does
  if (!task.cancelled()) task.result();
}
// [host]

int main(int argc, char** argv) {
  const examples::ListenAddress address = examples::parse_command_line(argc, argv);
  return examples::until_interrupted([&] { run_inside_glib(address, absl::GetFlag(FLAGS_tick)); });
}
