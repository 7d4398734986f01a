#include "asyncio/streams/stream_reader.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/futures/errors.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/streams/errors.h"
#include "asyncio/tasks/coro.h"
#include "asyncio/tasks/sleep.h"
#include "asyncio/tasks/task.h"
#include "gtest/gtest.h"
#include "streams/src/stream_protocol.h"
#include "transports/src/socket_transport.h"
#include "transports/test/peer.h"
#include "transports/test/watched_loop.h"

namespace asyncio {
namespace {

using internal::StreamProtocol;

// Plays the transport: hands bytes to the stream exactly in the pieces and turns that a test asks
// for.
class Feed {
 public:
  Feed(EventLoop& loop, std::size_t limit)
      : stream_(std::make_shared<StreamProtocol>(loop, limit)) {}

  StreamReader reader() const { return StreamReader(stream_); }

  void data(std::string_view bytes) const {
    while (!bytes.empty()) {
      const std::span<char> buffer = stream_->get_buffer(0);
      const std::size_t size = std::min(buffer.size(), bytes.size());
      std::copy_n(bytes.data(), size, buffer.data());
      stream_->buffer_updated(size);
      bytes.remove_prefix(size);
    }
  }
  void eof() const { EXPECT_TRUE(stream_->eof_received()); }
  void lose(std::exception_ptr error) const { stream_->connection_lost(std::move(error)); }

  std::string_view buffered() const { return stream_->buffer().view(); }

 private:
  std::shared_ptr<StreamProtocol> stream_;
};

class StreamReaderTest : public ::testing::Test {
 protected:
  Feed make_feed(std::size_t limit = kDefaultStreamLimit) { return Feed(loop_, limit); }

  WatchedLoop loop_;
};

// What LimitOverrunError says.
struct Overrun {
  std::string text;
  std::size_t consumed = 0;
};

Overrun overrun_of(const std::exception_ptr& error) {
  try {
    if (error != nullptr) std::rethrow_exception(error);
  } catch (const LimitOverrunError& overrun) {
    return {overrun.what(), overrun.consumed()};
  } catch (...) {
  }
  ADD_FAILURE() << "no LimitOverrunError, but: " << text_of(error);
  return {};
}

struct Incomplete {
  std::string text;
  std::string partial;
  std::optional<std::size_t> expected;
};

Incomplete incomplete_of(const std::exception_ptr& error) {
  try {
    if (error != nullptr) std::rethrow_exception(error);
  } catch (const IncompleteReadError& incomplete) {
    return {incomplete.what(), incomplete.partial(), incomplete.expected()};
  } catch (...) {
  }
  ADD_FAILURE() << "no IncompleteReadError, but: " << text_of(error);
  return {};
}

// read(n).

TEST_F(StreamReaderTest, ReadGivesWhatIsThereUpToN) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    feed.data("hello world");
    EXPECT_EQ(co_await reader.read(5), "hello");
    EXPECT_EQ(co_await reader.read(1000), " world");
  });
}

TEST_F(StreamReaderTest, ReadOfNothingGivesNothingWithoutWaiting) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    const int before = loop_.turns();
    EXPECT_EQ(co_await reader.read(0), "");
    feed.data("x");
    EXPECT_EQ(co_await reader.read(0), "");
    EXPECT_EQ(co_await reader.read(1), "x");
    EXPECT_EQ(loop_.turns(), before) << "a read that finds what it needs takes no turn";
  });
}

TEST_F(StreamReaderTest, ReadWaitsForTheFirstBytesAndLeavesTheRest) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    auto reading = create_task(reader.read(3));
    co_await turns(3);
    EXPECT_FALSE(reading.done());
    feed.data("abcdef");
    EXPECT_EQ(feed.buffered(), "def");
    const int before = loop_.turns();
    EXPECT_EQ(co_await reading, "abc");
    EXPECT_LE(loop_.turns() - before, 2) << "it resumes in the turn after the bytes arrive";
    EXPECT_EQ(co_await reader.read(3), "def");
  });
}

TEST_F(StreamReaderTest, WhatArrivesBetweenTheWakeUpAndTheResumptionStaysInOrder) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    auto reading = create_task(reader.read(100));
    co_await turns(2);
    feed.data("one");
    feed.data("two");
    EXPECT_EQ(co_await reading, "one");
    EXPECT_EQ(co_await reader.read(100), "two");
  });
}

TEST_F(StreamReaderTest, ReadGivesNothingAtTheEndOfTheStream) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    auto reading = create_task(reader.read(10));
    co_await turns(2);
    feed.eof();
    EXPECT_EQ(co_await reading, "");
    EXPECT_EQ(co_await reader.read(10), "");
    EXPECT_EQ(co_await reader.read(), "");
  });
}

TEST_F(StreamReaderTest, ReadIsNotBoundedByTheLimit) {
  const Feed feed = make_feed(3);
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    feed.data("0123456789");
    EXPECT_EQ(co_await reader.read(100), "0123456789");
    auto reading = create_task(reader.read(100));
    co_await turns(2);
    feed.data("0123456789");
    EXPECT_EQ(co_await reading, "0123456789");
  });
}

// read().

TEST_F(StreamReaderTest, ReadWithoutANumberGivesEverythingUpToTheEndWhateverTheLimit) {
  const Feed feed = make_feed(4);
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    feed.data("buffered before ");
    auto reading = create_task(reader.read());
    co_await turns(3);
    feed.data("first ");
    co_await turns(3);
    feed.data("second");
    co_await turns(3);
    EXPECT_FALSE(reading.done());
    feed.eof();
    EXPECT_EQ(co_await reading, "buffered before first second");
    EXPECT_TRUE(reader.at_eof());
  });
}

TEST_F(StreamReaderTest, ReadOfANegativeNumberGivesEverythingUpToTheEnd) {
  const Feed feed = make_feed(4);
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    feed.data("more than one block");
    feed.eof();
    EXPECT_EQ(co_await reader.read(-1), "more than one block");
  });
}

// read_into().

TEST_F(StreamReaderTest, ReadIntoFillsTheBufferWithWhatIsThere) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    std::array<char, 4> buffer{};
    feed.data("abcdef");
    EXPECT_EQ(co_await reader.read_into(buffer), 4u);
    EXPECT_EQ(std::string(buffer.data(), 4), "abcd");
    EXPECT_EQ(co_await reader.read_into(buffer), 2u);
    EXPECT_EQ(std::string(buffer.data(), 2), "ef");
    EXPECT_EQ(co_await reader.read_into(std::span<char>()), 0u);
  });
}

TEST_F(StreamReaderTest, ReadIntoReceivesStraightIntoTheBuffer) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    std::array<char, 4> buffer{};
    auto reading = create_task([&] { return reader.read_into(buffer); });
    co_await turns(2);
    feed.data("ab");
    EXPECT_EQ(std::string(buffer.data(), 2), "ab");
    EXPECT_EQ(feed.buffered(), "");
    feed.data("cd");
    EXPECT_EQ(feed.buffered(), "cd") << "only once: what comes next is for the next read";
    EXPECT_EQ(co_await reading, 2u);
    EXPECT_EQ(co_await reader.read_into(buffer), 2u);
    EXPECT_EQ(std::string(buffer.data(), 2), "cd");
  });
}

TEST_F(StreamReaderTest, ReadIntoGivesZeroAtTheEndOfTheStream) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    std::array<char, 4> buffer{};
    auto reading = create_task([&] { return reader.read_into(buffer); });
    co_await turns(2);
    feed.eof();
    EXPECT_EQ(co_await reading, 0u);
    EXPECT_EQ(co_await reader.read_into(buffer), 0u);
  });
}

// readexactly().

TEST_F(StreamReaderTest, ReadexactlyWaitsForTheLastByte) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    EXPECT_EQ(co_await reader.readexactly(0), "");
    auto reading = create_task(reader.readexactly(6));
    for (const char* piece : {"ab", "cd", "e"}) {
      co_await turns(2);
      feed.data(piece);
    }
    co_await turns(3);
    EXPECT_FALSE(reading.done());
    feed.data("fgh");
    EXPECT_EQ(co_await reading, "abcdef");
    EXPECT_EQ(co_await reader.readexactly(2), "gh");
  });
}

TEST_F(StreamReaderTest, ReadexactlyIsNotBoundedByTheLimit) {
  const Feed feed = make_feed(2);
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    auto reading = create_task(reader.readexactly(1000));
    const std::string sent = noise(1000);
    for (std::size_t i = 0; i < 1000; i += 10) {
      co_await turns(2);
      feed.data(sent.substr(i, 10));
    }
    EXPECT_EQ(co_await reading, sent);
  });
}

TEST_F(StreamReaderTest, TheEndInTheMiddleOfReadexactlyGivesWhatThereWasInTheError) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    feed.data("abc");
    auto reading = create_task(reader.readexactly(10));
    co_await turns(2);
    feed.data("de");
    co_await turns(2);
    feed.eof();
    const Incomplete error = incomplete_of(co_await error_of(reading));
    EXPECT_EQ(error.partial, "abcde");
    EXPECT_EQ(error.expected, 10u);
    EXPECT_EQ(error.text, "5 bytes read on a total of 10 expected bytes");
    EXPECT_TRUE(reader.at_eof()) << "what the error holds is no longer in the stream";
    const Incomplete empty =
        incomplete_of(co_await failure_of([&]() -> Coro<> { co_await reader.readexactly(1); }));
    EXPECT_EQ(empty.partial, "");
  });
}

TEST_F(StreamReaderTest, ReadexactlyOfMoreThanMemoryCanHoldFailsAtOnce) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    feed.data("abc");
    for (const std::size_t size : {std::numeric_limits<std::size_t>::max(),
                                   std::numeric_limits<std::size_t>::max() / 2 + 1}) {
      const std::exception_ptr error =
          co_await failure_of([&]() -> Coro<> { co_await reader.readexactly(size); });
      EXPECT_TRUE(holds<std::invalid_argument>(error));
    }
    EXPECT_EQ(co_await reader.readexactly(3), "abc");
  });
}

// readuntil().

TEST_F(StreamReaderTest, ReaduntilGivesEverythingUpToAndIncludingTheSeparator) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    feed.data("one\r\ntwo\nthree;");
    EXPECT_EQ(co_await reader.readuntil("\r\n"), "one\r\n");
    EXPECT_EQ(co_await reader.readuntil(), "two\n");
    EXPECT_EQ(co_await reader.readuntil(";"), "three;");
  });
}

TEST_F(StreamReaderTest, ASeparatorIsFoundHoweverThePacketsSplitIt) {
  const std::string message = "aababab--BOUND--BOUNDARYrest";
  const std::string separator = "--BOUNDARY";
  const std::string expected = "aababab--BOUND--BOUNDARY";
  for (std::size_t first = 0; first <= message.size(); ++first) {
    for (std::size_t second = first; second <= message.size(); second += 3) {
      const Feed feed = make_feed();
      loop_.run([&]() -> Coro<> {
        const StreamReader reader = feed.reader();
        auto reading = create_task(reader.readuntil(separator));
        co_await turns(2);
        feed.data(message.substr(0, first));
        co_await turns(2);
        feed.data(message.substr(first, second - first));
        co_await turns(2);
        feed.data(message.substr(second));
        EXPECT_EQ(co_await reading, expected);
        EXPECT_EQ(feed.buffered(), "rest");
      });
    }
  }
}

TEST_F(StreamReaderTest, ASeparatorOfOverlappingPartsIsFoundBytewise) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    auto reading = create_task(reader.readuntil("aab"));
    for (const char* piece : {"a", "a", "a", "a", "c", "a", "a"}) {
      feed.data(piece);
      co_await turns(2);
      EXPECT_FALSE(reading.done());
    }
    feed.data("b");
    EXPECT_EQ(co_await reading, "aaaacaab");
  });
}

TEST_F(StreamReaderTest, ASeparatorMayHoldAnyBytes) {
  using namespace std::string_literals;
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    feed.data("x\0\xff\0y"s);
    EXPECT_EQ(co_await reader.readuntil("\0\xff\0"s), "x\0\xff\0"s);
  });
}

TEST_F(StreamReaderTest, AnEmptySeparatorIsRefused) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    feed.data("x");
    const std::exception_ptr error =
        co_await failure_of([&]() -> Coro<> { co_await reader.readuntil(""); });
    EXPECT_TRUE(holds<std::invalid_argument>(error));
    EXPECT_EQ(text_of(error), "Separator should contain at least one byte");
    EXPECT_EQ(feed.buffered(), "x");
  });
}

TEST_F(StreamReaderTest, TheSeparatorGivenMayGoBeforeTheReadEnds) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    auto separator = std::make_unique<std::string>("a separator that no small string holds");
    auto reading = create_task(reader.readuntil(*separator));
    separator.reset();
    co_await turns(2);
    feed.data("xa separator that no small string holds");
    EXPECT_EQ(co_await reading, "xa separator that no small string holds");
  });
}

TEST_F(StreamReaderTest, ReaduntilAtTheEndOfTheStreamGivesWhatThereWasInTheError) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    auto reading = create_task(reader.readuntil("\r\n"));
    co_await turns(2);
    feed.data("half a line\r");
    feed.eof();
    const Incomplete error = incomplete_of(co_await error_of(reading));
    EXPECT_EQ(error.partial, "half a line\r");
    EXPECT_EQ(error.expected, std::nullopt);
    EXPECT_EQ(error.text, "12 bytes read on a total of undefined expected bytes");
    EXPECT_TRUE(reader.at_eof());
  });
}

TEST_F(StreamReaderTest, ASeparatorThatArrivesWithTheEndOfTheStreamIsFound) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    auto reading = create_task(reader.readuntil("\r\n"));
    co_await turns(2);
    feed.data("a line\r\n");
    feed.eof();
    EXPECT_EQ(co_await reading, "a line\r\n");
    EXPECT_TRUE(reader.at_eof());
  });
}

// The limit.

TEST_F(StreamReaderTest, ALimitOfZeroIsRefused) {
  try {
    make_feed(0);
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "Limit cannot be <= 0");
  }
}

TEST_F(StreamReaderTest, ExactlyTheLimitBeforeTheSeparatorIsFineAndOneByteMoreIsNot) {
  for (const std::string separator : {"\n", "<end>"}) {
    const Feed feed = make_feed(5);
    loop_.run([&]() -> Coro<> {
      const StreamReader reader = feed.reader();
      feed.data("12345" + separator);
      EXPECT_EQ(co_await reader.readuntil(separator), "12345" + separator);
      feed.data("123456" + separator + "next");
      const Overrun overrun = overrun_of(
          co_await failure_of([&]() -> Coro<> { co_await reader.readuntil(separator); }));
      EXPECT_EQ(overrun.text, "Separator is found, but chunk is longer than limit");
      EXPECT_EQ(overrun.consumed, 6u);
    });
  }
}

TEST_F(StreamReaderTest, ReaduntilLeavesTheDataInTheStreamWhenTheLimitIsExceeded) {
  const Feed feed = make_feed(5);
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    auto reading = create_task(reader.readuntil("\r\n"));
    co_await turns(2);
    feed.data("1234567");
    const Overrun overrun = overrun_of(co_await error_of(reading));
    EXPECT_EQ(overrun.text, "Separator is not found, and chunk exceed the limit");
    EXPECT_EQ(overrun.consumed, 6u) << "the last byte may begin a separator";
    EXPECT_EQ(feed.buffered(), "1234567");
    EXPECT_EQ(co_await reader.readexactly(overrun.consumed), "123456");
    feed.data("\r\n");
    EXPECT_EQ(co_await reader.readuntil("\r\n"), "7\r\n");
  });
}

TEST_F(StreamReaderTest, WithoutASeparatorTheLimitIsExceededByTheByteThatNoneCanSave) {
  const Feed feed = make_feed(5);
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    auto reading = create_task(reader.readuntil("\r\n"));
    co_await turns(2);
    feed.data("12345\r");
    co_await turns(3);
    EXPECT_FALSE(reading.done()) << "five bytes and half a separator are within the limit";
    feed.data("\n");
    EXPECT_EQ(co_await reading, "12345\r\n");
  });
}

TEST_F(StreamReaderTest, TheLimitIsCheckedBeforeTheEndOfTheStream) {
  const Feed feed = make_feed(5);
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    feed.data("123456");
    feed.eof();
    const Overrun overrun =
        overrun_of(co_await failure_of([&]() -> Coro<> { co_await reader.readuntil("\n"); }));
    EXPECT_EQ(overrun.consumed, 6u);
    EXPECT_EQ(co_await reader.read(), "123456");
  });
}

TEST_F(StreamReaderTest, ReadlineGivesOneLineAfterTheOther) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    auto reading = create_task(reader.readline());
    for (const char* piece : {"the ", "first", " line", "\nsecond\n\nlast"}) {
      co_await turns(2);
      feed.data(piece);
    }
    EXPECT_EQ(co_await reading, "the first line\n");
    EXPECT_EQ(co_await reader.readline(), "second\n");
    EXPECT_EQ(co_await reader.readline(), "\n");
    feed.eof();
    EXPECT_EQ(co_await reader.readline(), "last") << "the last line need not end";
    EXPECT_EQ(co_await reader.readline(), "");
    EXPECT_EQ(co_await reader.readline(), "");
  });
}

TEST_F(StreamReaderTest, ReadlineOfExactlyTheLimitIsFine) {
  const Feed feed = make_feed(5);
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    feed.data("12345\n");
    EXPECT_EQ(co_await reader.readline(), "12345\n");
  });
}

TEST_F(StreamReaderTest, ReadlineDropsOnlyTheLongLineIfItsEndIsThere) {
  const Feed feed = make_feed(5);
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    feed.data("123456\nnext\n");
    const std::exception_ptr error =
        co_await failure_of([&]() -> Coro<> { co_await reader.readline(); });
    EXPECT_TRUE(holds<std::invalid_argument>(error));
    EXPECT_EQ(text_of(error), "Separator is found, but chunk is longer than limit");
    EXPECT_EQ(co_await reader.readline(), "next\n");
  });
}

TEST_F(StreamReaderTest, ReadlineDropsAllThereIsOfALongLineWithoutAnEnd) {
  const Feed feed = make_feed(5);
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    auto reading = create_task(reader.readline());
    co_await turns(2);
    feed.data("1234567");
    const std::exception_ptr error = co_await error_of(reading);
    EXPECT_TRUE(holds<std::invalid_argument>(error));
    EXPECT_EQ(text_of(error), "Separator is not found, and chunk exceed the limit");
    EXPECT_EQ(feed.buffered(), "");
    feed.data("8\nnext\n");
    EXPECT_EQ(co_await reader.readline(), "8\n");
    EXPECT_EQ(co_await reader.readline(), "next\n");
  });
}

TEST_F(StreamReaderTest, NextGivesEveryLineAndThenNothing) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    feed.data("one\n\ntwo\nthree");
    feed.eof();
    std::vector<std::string> lines;
    while (auto line = co_await reader.next()) lines.push_back(*std::move(line));
    EXPECT_EQ(lines, (std::vector<std::string>{"one\n", "\n", "two\n", "three"}));
    EXPECT_EQ(co_await reader.next(), std::nullopt);
  });
}

TEST_F(StreamReaderTest, TheLargestLimitDoesNotOverflow) {
  const Feed feed = make_feed(std::numeric_limits<std::size_t>::max());
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    auto reading = create_task(reader.readline());
    co_await turns(2);
    feed.data(std::string(100'000, 'x') + "\n");
    EXPECT_EQ((co_await reading).size(), 100'001u);
  });
}

// States.

TEST_F(StreamReaderTest, AtEofOnlyWhenTheStreamHasEndedAndEverythingIsRead) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    EXPECT_FALSE(reader.at_eof());
    feed.data("x");
    EXPECT_FALSE(reader.at_eof());
    feed.eof();
    EXPECT_FALSE(reader.at_eof());
    EXPECT_EQ(co_await reader.read(), "x");
    EXPECT_TRUE(reader.at_eof());
  });
}

TEST_F(StreamReaderTest, TheEndOfTheConnectionWithoutAnErrorIsTheEndOfTheStream) {
  const Feed feed = make_feed();
  loop_.run([&]() -> Coro<> {
    const StreamReader reader = feed.reader();
    feed.data("rest");
    feed.lose(nullptr);
    EXPECT_EQ(reader.exception(), nullptr);
    EXPECT_EQ(co_await reader.read(), "rest");
    EXPECT_TRUE(reader.at_eof());
  });
}

Coro<std::string> into_string(const StreamReader* reader, std::size_t size) {
  std::string buffer(size, '\0');
  const std::size_t received = co_await reader->read_into(buffer);
  buffer.resize(received);
  co_return buffer;
}

Coro<std::string> next_or_empty(const StreamReader* reader) {
  const std::optional<std::string> line = co_await reader->next();
  co_return line.value_or("");
}

struct NamedRead {
  std::string name;
  Coro<std::string> (*read)(const StreamReader&);
};

void PrintTo(const NamedRead& read, std::ostream* out) { *out << read.name; }

// Every way to read; each waits on a stream that holds "abc" and has not ended, but for the first
// two.
std::vector<NamedRead> every_read() {
  return {
      {"read_n", [](const StreamReader& r) { return r.read(8); }},
      {"read_into", [](const StreamReader& r) { return into_string(&r, 8); }},
      {"read_all", [](const StreamReader& r) { return r.read(); }},
      {"readexactly", [](const StreamReader& r) { return r.readexactly(8); }},
      {"readuntil", [](const StreamReader& r) { return r.readuntil("\r\n"); }},
      {"readline", [](const StreamReader& r) { return r.readline(); }},
      {"next", [](const StreamReader& r) { return next_or_empty(&r); }},
  };
}

bool takes_what_is_there(const NamedRead& read) {
  return read.name == "read_n" || read.name == "read_into";
}

class EveryReadTest : public ::testing::TestWithParam<NamedRead> {
 protected:
  // A task in the middle of the read.
  Task<std::string> start_reading(const StreamReader& reader) {
    return create_task(GetParam().read(reader));
  }

  Coro<std::exception_ptr> failure_of_read(const StreamReader* reader) {
    try {
      co_await GetParam().read(*reader);
    } catch (...) {
      co_return std::current_exception();
    }
    co_return nullptr;
  }

  WatchedLoop loop_;
  Feed feed_{loop_, kDefaultStreamLimit};
  StreamReader reader_ = feed_.reader();
};

INSTANTIATE_TEST_SUITE_P(, EveryReadTest, ::testing::ValuesIn(every_read()),
                         [](const auto& param) { return param.param.name; });

TEST_P(EveryReadTest, AFailureWakesTheReaderWithIt) {
  loop_.run([&]() -> Coro<> {
    auto reading = start_reading(reader_);
    co_await turns(2);
    feed_.lose(make_os_error(ECONNRESET, "recv"));
    EXPECT_TRUE(holds<ConnectionResetError>(co_await error_of(reading)));
  });
}

TEST_P(EveryReadTest, AFailureIsThrownAtOnceByEveryLaterReadEvenIfDataIsBuffered) {
  loop_.run([&]() -> Coro<> {
    feed_.data("enough for\r\n any of the reads\r\n");
    feed_.lose(make_os_error(ECONNRESET, "recv"));
    EXPECT_TRUE(holds<ConnectionResetError>(reader_.exception()));
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE(holds<ConnectionResetError>(co_await failure_of_read(&reader_)));
    }
    const std::exception_ptr nothing =
        co_await failure_of([&]() -> Coro<> { co_await reader_.read(0); });
    EXPECT_TRUE(holds<ConnectionResetError>(nothing));
  });
}

TEST_P(EveryReadTest, ASecondConcurrentReadIsRefusedWhicheverItIs) {
  for (const NamedRead& second : every_read()) {
    loop_.run([&]() -> Coro<> {
      auto reading = start_reading(reader_);
      co_await turns(2);
      const std::exception_ptr error =
          co_await failure_of([&]() -> Coro<> { co_await second.read(reader_); });
      EXPECT_TRUE(holds<std::runtime_error>(error)) << second.name;
      EXPECT_NE(text_of(error).find(
                    "() called while another coroutine is already waiting for incoming data"),
                std::string::npos)
          << text_of(error);
      feed_.data("01234\r\n\n");
      if (GetParam().name == "read_all") {
        reading.cancel();
        co_await error_of(reading);
        co_await reader_.readexactly(8);
      } else {
        EXPECT_TRUE((co_await reading).starts_with("01234"));
        co_await reader_.read(feed_.buffered().size());
      }
    });
  }
}

// Otherwise the first one would search on where bytes have gone.
TEST_P(EveryReadTest, ASecondConcurrentReadIsRefusedAlsoIfItNeedNotWait) {
  loop_.run([&]() -> Coro<> {
    auto reading = start_reading(reader_);
    co_await turns(2);
    feed_.data("abcdefghijkl");
    const std::exception_ptr error =
        co_await failure_of([&]() -> Coro<> { co_await reader_.read(1); });
    EXPECT_EQ(text_of(error),
              "read() called while another coroutine is already waiting for incoming data");
    reading.cancel();
    co_await error_of(reading);
    EXPECT_EQ(co_await reader_.read(100), "abcdefghijkl");
  });
}

TEST_F(StreamReaderTest, AReadInFlightSurvivesTheMoveAndTheEndOfItsReader) {
  const auto survives = [&](auto start, const auto& expected) {
    const Feed feed = make_feed();
    loop_.run([&]() -> Coro<> {
      auto reader = std::make_unique<StreamReader>(feed.reader());
      auto reading = create_task([&] { return start(*reader); });
      co_await turns(2);
      const StreamReader moved = std::move(*reader);
      reader.reset();
      feed.data("012345\r\n");
      feed.eof();
      EXPECT_EQ(co_await reading, expected);
      EXPECT_TRUE(moved.at_eof());
    });
  };
  const std::string all = "012345\r\n";
  std::array<char, 8> buffer{};
  survives([](const StreamReader& reader) { return reader.read(8); }, all);
  survives([&](const StreamReader& reader) { return reader.read_into(buffer); }, 8u);
  survives([](const StreamReader& reader) { return reader.read(); }, all);
  survives([](const StreamReader& reader) { return reader.readexactly(8); }, all);
  survives([](const StreamReader& reader) { return reader.readuntil("\r\n"); }, all);
  survives([](const StreamReader& reader) { return reader.readline(); }, all);
  survives([](const StreamReader& reader) { return reader.next(); }, all);
}

// Cancellation loses no byte.

TEST_P(EveryReadTest, CancelledWhileItWaitsItLeavesWhatIsBuffered) {
  const std::string before = takes_what_is_there(GetParam()) ? "" : "abc";
  loop_.run([&]() -> Coro<> {
    feed_.data(before);
    auto reading = start_reading(reader_);
    co_await turns(2);
    reading.cancel();
    EXPECT_TRUE(holds<CancelledError>(co_await error_of(reading)));
    feed_.data("def");
    feed_.eof();
    EXPECT_EQ(co_await reader_.read(), before + "def");
  });
}

TEST_P(EveryReadTest, CancelledBeforeItsFirstStepItLeavesWhatIsBuffered) {
  loop_.run([&]() -> Coro<> {
    feed_.data("012345\r\n\n");
    auto reading = start_reading(reader_);
    reading.cancel();
    EXPECT_TRUE(holds<CancelledError>(co_await error_of(reading)));
    feed_.eof();
    EXPECT_EQ(co_await reader_.read(), "012345\r\n\n");
  });
}

TEST_P(EveryReadTest, CancelledAfterEachPieceItLeavesThemAllInOrder) {
  loop_.run([&]() -> Coro<> {
    std::string expected;
    for (int i = 0; i < 5; ++i) {
      auto reading = start_reading(reader_);
      co_await turns(2);
      if (reading.done()) {
        // read(n) and read_into() found what was buffered: it counts as read.
        expected.erase(0, (co_await reading).size());
        continue;
      }
      const std::string piece(1, static_cast<char>('a' + i));
      feed_.data(piece);
      expected += piece;
      reading.cancel();
      EXPECT_TRUE(holds<CancelledError>(co_await error_of(reading)));
    }
    feed_.eof();
    EXPECT_EQ(co_await reader_.read(), expected);
  });
}

// The data are on their way to the reader, who has not run yet.
TEST_P(EveryReadTest, CancelledInTheTurnInWhichDataArrivesItLosesNone) {
  enum class Order { kDataThenCancel, kCancelThenData, kDataCancelData };
  for (const Order order :
       {Order::kDataThenCancel, Order::kCancelThenData, Order::kDataCancelData}) {
    for (const bool enough : {false, true}) {
      const Feed feed(loop_, kDefaultStreamLimit);
      const std::string arriving = enough ? "0123456789\r\n0123" : "0123";
      loop_.run([&]() -> Coro<> {
        const StreamReader reader = feed.reader();
        auto reading = start_reading(reader);
        co_await turns(2);
        if (order == Order::kCancelThenData) reading.cancel();
        feed.data(arriving);
        if (order != Order::kCancelThenData) reading.cancel();
        if (order == Order::kDataCancelData) feed.data("more");
        EXPECT_TRUE(holds<CancelledError>(co_await error_of(reading)));
        feed.eof();
        const std::string expected = order == Order::kDataCancelData ? arriving + "more" : arriving;
        EXPECT_EQ(co_await reader.read(), expected);
      });
    }
  }
}

TEST_P(EveryReadTest, AfterACancelledReadAnotherOneMayBeginAtOnce) {
  loop_.run([&]() -> Coro<> {
    auto first = start_reading(reader_);
    co_await turns(2);
    first.cancel();
    co_await turns(1);
    EXPECT_TRUE(first.done());
    auto second = start_reading(reader_);
    co_await turns(2);
    feed_.data("012345\r\n");
    feed_.eof();
    EXPECT_TRUE((co_await second).starts_with("012345"));
  });
}

TEST_P(EveryReadTest, DestroyedInTheMiddleItLeavesNothingBehind) {
  auto loop = std::make_unique<WatchedLoop>();
  const Feed feed(*loop, kDefaultStreamLimit);
  const StreamReader reader = feed.reader();
  loop->run([&]() -> Coro<> {
    static_cast<void>(start_reading(reader));
    co_await turns(2);
  });
  loop->close();
  feed.lose(nullptr);
  EXPECT_TRUE(reader.at_eof());
}

// With a connection.

class ConnectedReaderTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kLimit = 1000;

  // Joined to `peer_`; returns when the connection is made.
  Coro<> connect() {
    transport_ = SocketTransport::start(loop_, std::move(ends_.ours), stream_, nullptr);
    co_await turns(2);
  }

  // Sends, and waits until all of it is in the stream.
  Coro<> arrive(std::size_t size) {
    const std::size_t expected = stream_->buffer().size() + size;
    ends_.peer.send(noise(size));
    co_await until([&] { return stream_->buffer().size() == expected; });
  }

  WatchedLoop loop_;
  Ends ends_ = connected_ends();
  std::shared_ptr<StreamProtocol> stream_ = std::make_shared<StreamProtocol>(loop_, kLimit);
  StreamReader reader_{stream_};
  std::shared_ptr<Transport> transport_;
};

TEST_F(ConnectedReaderTest, AboveTwiceTheLimitItStopsReceivingAndNotBefore) {
  loop_.run([&]() -> Coro<> {
    co_await connect();
    co_await arrive(2 * kLimit);
    EXPECT_TRUE(transport_->is_reading());
    co_await arrive(1);
    EXPECT_FALSE(transport_->is_reading());
  });
}

TEST_F(ConnectedReaderTest, AReadThatLeavesNoMoreThanTheLimitStartsReceivingAgain) {
  loop_.run([&]() -> Coro<> {
    co_await connect();
    co_await arrive(2 * kLimit + 1);
    co_await reader_.read(kLimit);
    EXPECT_FALSE(transport_->is_reading()) << "one byte too many is left";
    co_await reader_.readexactly(1);
    EXPECT_TRUE(transport_->is_reading());
  });
}

TEST_F(ConnectedReaderTest, EveryKindOfReadStartsReceivingAgain) {
  for (const NamedRead& read : every_read()) {
    if (read.name == "read_all") continue;  // it drains everything
    Ends ends = connected_ends();
    const auto stream = std::make_shared<StreamProtocol>(loop_, 4);
    const StreamReader reader(stream);
    loop_.run([&]() -> Coro<> {
      const auto transport = SocketTransport::start(loop_, std::move(ends.ours), stream, nullptr);
      co_await turns(2);
      ends.peer.send("0123\r\n789");
      co_await until([&] { return stream->buffer().size() == 9; });
      EXPECT_FALSE(transport->is_reading()) << read.name;
      if (read.name == "readline" || read.name == "next") {
        // Five bytes before the line feed: too long for them, and dropped.
        co_await failure_of([&]() -> Coro<> { co_await read.read(reader); });
      } else {
        co_await read.read(reader);
      }
      EXPECT_LE(stream->buffer().size(), 4u) << read.name;
      EXPECT_TRUE(transport->is_reading()) << read.name;
      transport->close();
    });
  }
}

TEST_F(ConnectedReaderTest, WaitingForMoreStartsReceivingAgainWhateverIsBuffered) {
  loop_.run([&]() -> Coro<> {
    co_await connect();
    co_await arrive(2 * kLimit + 1);
    EXPECT_FALSE(transport_->is_reading());
    auto reading = create_task(reader_.readexactly(20 * kLimit));
    co_await turns(2);
    EXPECT_TRUE(transport_->is_reading());
    ends_.peer.send(noise(20 * kLimit - 2 * kLimit - 1));
    EXPECT_EQ((co_await reading).size(), 20 * kLimit);
  });
}

TEST_F(ConnectedReaderTest, WhatAPeerSendsUnaskedIsBoundedByTheLimit) {
  loop_.run([&]() -> Coro<> {
    co_await connect();
    const std::string block(65536, 'x');
    std::size_t sent = 0;
    while (true) {
      const ssize_t some =
          ::send(ends_.peer.fileno(), block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      if (some < 0 && !transport_->is_reading()) break;
      if (some > 0) sent += static_cast<std::size_t>(some);
      co_await turns(1);
    }
    // Twice the limit, and one receive buffer on top.
    EXPECT_LE(stream_->buffer().size(), 2 * kLimit + 256 * 1024);
    EXPECT_GT(sent, stream_->buffer().size());
  });
}

TEST_F(ConnectedReaderTest, TheMemoryOfALargeMessageIsGivenBack) {
  loop_.run([&]() -> Coro<> {
    co_await connect();
    auto reading = create_task(reader_.readexactly(1 << 20));
    const std::string sent = noise(1 << 20);
    std::size_t done = 0;
    while (done < sent.size()) {
      const ssize_t some = ::send(ends_.peer.fileno(), sent.data() + done, sent.size() - done,
                                  MSG_DONTWAIT | MSG_NOSIGNAL);
      if (some > 0) done += static_cast<std::size_t>(some);
      co_await turns(1);
    }
    EXPECT_TRUE(co_await reading == sent);
    const char* buffer = reinterpret_cast<const char*>(&stream_->buffer());
    const char* bytes = stream_->buffer().view().data();
    EXPECT_TRUE(bytes >= buffer && bytes < buffer + sizeof(ByteBuffer)) << "heap memory is held";
  });
}

// Every read may be cancelled at any moment, and yet the bytes read in the end are the bytes sent.
TEST_F(ConnectedReaderTest, RandomReadsCancelledAtRandomLoseNothing) {
  std::mt19937 random(11);
  std::string sent = noise(1 << 20);
  for (std::size_t i = 0; i < sent.size(); i += 1 + random() % 900) sent[i] = '\n';
  std::string got;
  bool writing = true;
  int cancelled = 0;
  loop_.run([&]() -> Coro<> {
    co_await connect();
    auto write = [&]() -> Coro<> {
      std::mt19937 sizes(12);
      std::size_t done = 0;
      while (done < sent.size()) {
        const std::size_t some = std::min<std::size_t>(1 + sizes() % 3000, sent.size() - done);
        const ssize_t taken =
            ::send(ends_.peer.fileno(), sent.data() + done, some, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (taken > 0) done += static_cast<std::size_t>(taken);
        co_await turns(static_cast<int>(sizes() % 4));
      }
      writing = false;
      ends_.peer.shutdown_write();
    };
    auto writer = create_task(write);
    auto read_once = [&](unsigned kind, std::size_t size) -> Coro<std::string> {
      if (kind == 0) co_return co_await reader_.read(size);
      if (kind == 1) co_return co_await into_string(&reader_, size);
      if (kind == 2) co_return co_await reader_.readexactly(size);
      if (kind == 3) co_return co_await reader_.readline();
      if (kind == 4) co_return co_await reader_.readuntil(std::string_view("\n"));
      co_return co_await reader_.read();
    };
    while (!reader_.at_eof()) {
      auto reading = create_task(read_once, static_cast<unsigned>(random() % 6),
                                 static_cast<std::size_t>(1 + random() % 800));
      const int patience = static_cast<int>(random() % 6);
      for (int i = 0; i < patience && !reading.done(); ++i) co_await turns(1);
      if (!reading.done()) reading.cancel();
      try {
        got += co_await reading;
      } catch (const CancelledError&) {
        ++cancelled;
      } catch (const IncompleteReadError& error) {
        got += error.partial();
      } catch (const LimitOverrunError&) {
      } catch (const std::invalid_argument&) {
        ADD_FAILURE() << "a line was longer than the limit, which would lose bytes";
      }
    }
    co_await writer;
  });
  EXPECT_TRUE(got == sent);
  EXPECT_FALSE(writing);
  EXPECT_GT(cancelled, 100);
}

}  // namespace
}  // namespace asyncio
