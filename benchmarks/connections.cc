// What a connection costs each echo server: memory while it is idle, time to come and go.
//
// Every server runs in a process of its own on core 0, the clients on core 1. Servers take turns,
// so that whatever else happens on the machine hits all of them alike; the median counts.

#include <sys/resource.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "asyncio/selectors/os_error.h"
#include "benchmarks/connection_load.h"
#include "benchmarks/echo_load.h"
#include "benchmarks/echo_servers.h"
#include "benchmarks/median.h"
#include "benchmarks/server_process.h"

ABSL_FLAG(std::vector<std::string>, servers,
          (std::vector<std::string>{"raw", "protocol", "streams"}),
          "all, or some of: raw, protocol, read_into, streams");
ABSL_FLAG(int, idle, 10'000, "how many connections are idle at the same time");
ABSL_FLAG(int, clients, 20, "how many clients come and go at the same time");
ABSL_FLAG(int, size, 64, "bytes in a message");
ABSL_FLAG(double, seconds, 0.5, "length of one run of clients that come and go");
ABSL_FLAG(int, rounds, 5, "such runs of each server");
ABSL_FLAG(std::int64_t, connections, 0,
          "for profilers: make that many connections to each server and print nothing");
ABSL_FLAG(std::string, wrap, "", "for profilers: a command that runs the command of a server");
ABSL_FLAG(std::string, serve, "", "used by this program itself: be that server");

namespace benchmarks {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr Seconds kWarmUp(0.05);

std::vector<std::string> command_of(const EchoServer& server) {
  return server_command(server.name, absl::GetFlag(FLAGS_wrap));
}

std::size_t message_size() { return static_cast<std::size_t>(absl::GetFlag(FLAGS_size)); }

// For as many connections as the system allows; servers inherit it.
void raise_descriptor_limit() {
  rlimit limit{};
  asyncio::check(::getrlimit(RLIMIT_NOFILE, &limit), "getrlimit");
  limit.rlim_cur = limit.rlim_max;
  asyncio::check(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
}

// A server has accepted all that came before, once it has answered one who came after.
void greet(const ServerProcess& server) {
  EchoLoad(server.port(), 1, message_size()).run_messages(1);
}

void print_memory(const EchoServer& server) {
  const int count = absl::GetFlag(FLAGS_idle);
  const ServerProcess process(command_of(server));
  greet(process);
  const auto before = static_cast<double>(process.memory());
  EchoLoad load(process.port(), count, message_size());
  greet(process);
  const auto untouched = static_cast<double>(process.memory());
  load.run_messages(count);
  const auto touched = static_cast<double>(process.memory());
  std::printf("| %s | %.0f | %.0f |\n", server.name.data(), (untouched - before) / count,
              (touched - before) / count);
  std::fflush(stdout);
}

void compare_memory(const std::vector<EchoServer>& servers) {
  std::printf("\n%d idle connections\n\n", absl::GetFlag(FLAGS_idle));
  std::printf("| server | bytes/connection, untouched | after one echo |\n|---|---|---|\n");
  for (const EchoServer& server : servers) print_memory(server);
}

class Contestant {
 public:
  explicit Contestant(const EchoServer& server)
      : name_(server.name),
        process_(command_of(server)),
        load_(process_.port(), absl::GetFlag(FLAGS_clients), message_size()) {}

  void run(Seconds time) {
    load_.run_for(std::chrono::duration_cast<std::chrono::nanoseconds>(kWarmUp));
    const std::chrono::nanoseconds used = process_.cpu_time();
    const auto begin = std::chrono::steady_clock::now();
    const auto made = static_cast<double>(
        load_.run_for(std::chrono::duration_cast<std::chrono::nanoseconds>(time)));
    const Seconds taken = std::chrono::steady_clock::now() - begin;
    rates_.push_back(made / taken.count());
    costs_.push_back(Seconds(process_.cpu_time() - used).count() * 1e6 / made);
  }

  const std::string& name() const { return name_; }
  double rate() const { return median(rates_); }
  double cost() const { return median(costs_); }

 private:
  std::string name_;
  ServerProcess process_;
  ConnectionLoad load_;
  std::vector<double> rates_;
  std::vector<double> costs_;
};

void compare_rates(const std::vector<EchoServer>& servers) {
  std::deque<Contestant> contestants(servers.begin(), servers.end());
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    for (Contestant& contestant : contestants) {
      contestant.run(Seconds(absl::GetFlag(FLAGS_seconds)));
    }
  }
  std::printf("\n%d clients: connect, echo, close\n\n", absl::GetFlag(FLAGS_clients));
  std::printf("| server | connections/s | ratio | CPU us/connection | ratio |\n");
  std::printf("|---|---|---|---|---|\n");
  const Contestant& first = contestants.front();
  for (const Contestant& contestant : contestants) {
    std::printf("| %s | %.0f | %.2f | %.2f | %.2f |\n", contestant.name().c_str(),
                contestant.rate(), contestant.rate() / first.rate(), contestant.cost(),
                contestant.cost() / first.cost());
  }
}

void compare_all() {
  pin_to_core(1);
  raise_descriptor_limit();
  const std::vector<EchoServer> servers = chosen_servers(absl::GetFlag(FLAGS_servers));
  if (const std::int64_t count = absl::GetFlag(FLAGS_connections); count > 0) {
    for (const EchoServer& server : servers) {
      const ServerProcess process(command_of(server));
      ConnectionLoad(process.port(), absl::GetFlag(FLAGS_clients), message_size())
          .run_connections(count);
    }
    return;
  }
  compare_memory(servers);
  compare_rates(servers);
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("compares what a connection costs echo servers");
  absl::ParseCommandLine(argc, argv);
  try {
    const std::string server = absl::GetFlag(FLAGS_serve);
    if (!server.empty()) return benchmarks::serve_as(server);
    benchmarks::compare_all();
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return EXIT_FAILURE;
  }
}
