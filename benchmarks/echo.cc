// How many messages a second each echo server sends back, and what each costs it.
//
// Every server runs in a process of its own on core 0, the load generator on core 1. Servers take
// turns, so that whatever else happens on the machine hits all of them alike; the median counts.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "benchmarks/echo_load.h"
#include "benchmarks/echo_servers.h"
#include "benchmarks/median.h"
#include "benchmarks/server_process.h"

ABSL_FLAG(std::vector<std::string>, servers, (std::vector<std::string>{"all"}),
          "all, or some of: raw, protocol, read_into, streams");
ABSL_FLAG(std::vector<std::string>, sizes, (std::vector<std::string>{"64", "16384"}),
          "bytes in a message; several make several tables");
ABSL_FLAG(std::vector<std::string>, connections, (std::vector<std::string>{"10", "100"}),
          "how many connections; several make several tables");
ABSL_FLAG(double, seconds, 0.5, "length of one run");
ABSL_FLAG(int, rounds, 3, "runs of each server in each table");
ABSL_FLAG(std::int64_t, messages, 0,
          "for profilers: exchange that many messages with each server and print nothing");
ABSL_FLAG(std::string, wrap, "", "for profilers: a command that runs the command of a server");
ABSL_FLAG(std::string, serve, "", "used by this program itself: be that server");

namespace benchmarks {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr Seconds kWarmUp(0.05);

struct Run {
  double requests_per_second;
  double cpu_microseconds;  // of the server, for one request
};

std::vector<int> numbers(const std::vector<std::string>& words) {
  std::vector<int> result;
  for (const std::string& word : words) {
    if (!absl::SimpleAtoi(word, &result.emplace_back()) || result.back() <= 0) {
      throw std::invalid_argument(absl::StrCat("not a positive number: ", word));
    }
  }
  return result;
}

std::vector<std::string> command_of(const EchoServer& server) {
  return server_command(server.name, absl::GetFlag(FLAGS_wrap));
}

// A server's runs in one table.

class Contestant {
 public:
  Contestant(const EchoServer& server, int connections, int size)
      : name_(server.name),
        process_(command_of(server)),
        load_(process_.port(), connections, static_cast<std::size_t>(size)) {}

  void run(Seconds time) {
    load_.run_for(std::chrono::duration_cast<std::chrono::nanoseconds>(kWarmUp));
    const std::chrono::nanoseconds used = process_.cpu_time();
    const auto begin = std::chrono::steady_clock::now();
    const auto requests = static_cast<double>(
        load_.run_for(std::chrono::duration_cast<std::chrono::nanoseconds>(time)));
    const Seconds taken = std::chrono::steady_clock::now() - begin;
    rates_.push_back(requests / taken.count());
    costs_.push_back(Seconds(process_.cpu_time() - used).count() * 1e6 / requests);
  }

  void exchange(std::int64_t messages) { load_.run_messages(messages); }

  const std::string& name() const { return name_; }
  Run median_run() const { return {median(rates_), median(costs_)}; }

 private:
  std::string name_;
  ServerProcess process_;
  EchoLoad load_;
  std::vector<double> rates_;
  std::vector<double> costs_;
};

void print_table(int connections, int size, const std::deque<Contestant>& contestants) {
  std::printf("\n%d connections, %d bytes\n\n", connections, size);
  std::printf("| server | requests/s | ratio | CPU us/request | ratio |\n|---|---|---|---|---|\n");
  const Run first = contestants.front().median_run();
  for (const Contestant& contestant : contestants) {
    const Run run = contestant.median_run();
    std::printf("| %s | %.0f | %.2f | %.2f | %.2f |\n", contestant.name().c_str(),
                run.requests_per_second, run.requests_per_second / first.requests_per_second,
                run.cpu_microseconds, run.cpu_microseconds / first.cpu_microseconds);
  }
  std::fflush(stdout);
}

void compare(int connections, int size) {
  std::deque<Contestant> contestants;
  for (const EchoServer& server : chosen_servers(absl::GetFlag(FLAGS_servers))) {
    contestants.emplace_back(server, connections, size);
  }
  if (const std::int64_t messages = absl::GetFlag(FLAGS_messages); messages > 0) {
    for (Contestant& contestant : contestants) contestant.exchange(messages);
    return;
  }
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    for (Contestant& contestant : contestants) {
      contestant.run(Seconds(absl::GetFlag(FLAGS_seconds)));
    }
  }
  print_table(connections, size, contestants);
}

void compare_all() {
  pin_to_core(1);
  for (const int size : numbers(absl::GetFlag(FLAGS_sizes))) {
    for (const int connections : numbers(absl::GetFlag(FLAGS_connections))) {
      compare(connections, size);
    }
  }
}

}  // namespace
}  // namespace benchmarks

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("compares echo servers");
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
