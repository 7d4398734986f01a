// What a server does with each client, whatever callable it was given.
#ifndef ASYNCIO_STREAMS_CLIENT_HANDLER_H_
#define ASYNCIO_STREAMS_CLIENT_HANDLER_H_

#include <concepts>
#include <source_location>
#include <type_traits>
#include <utility>

#include "asyncio/streams/stream_reader.h"
#include "asyncio/streams/stream_writer.h"
#include "asyncio/tasks/coro.h"

namespace asyncio::internal {

class ClientHandler {
 public:
  // Reports of its clients name `where`.
  explicit ClientHandler(std::source_location where) noexcept : where_(where) {}
  virtual ~ClientHandler() = default;

  std::source_location where() const noexcept { return where_; }

  // REQUIRES: the handler outlives the coroutine.
  virtual Coro<> serve(StreamReader reader, StreamWriter writer) = 0;

 private:
  const std::source_location where_;
};

template <class F>
class CoroutineHandler final : public ClientHandler {
 public:
  CoroutineHandler(F function, std::source_location where)
      : ClientHandler(where), function_(std::move(function)) {}

  ASYNCIO_INTERNAL_CORO_WRAPPER Coro<> serve(StreamReader reader, StreamWriter writer) override {
    return function_(std::move(reader), std::move(writer));
  }

 private:
  F function_;
};

template <class F>
class PlainHandler final : public ClientHandler {
 public:
  PlainHandler(F function, std::source_location where)
      : ClientHandler(where), function_(std::move(function)) {}

  Coro<> serve(StreamReader reader, StreamWriter writer) override {
    function_(std::move(reader), std::move(writer));
    co_return;
  }

 private:
  F function_;
};

template <class F>
using HandlerOf =
    std::conditional_t<std::same_as<std::invoke_result_t<F&, StreamReader, StreamWriter>, Coro<>>,
                       CoroutineHandler<F>, PlainHandler<F>>;

}  // namespace asyncio::internal

#endif  // ASYNCIO_STREAMS_CLIENT_HANDLER_H_
