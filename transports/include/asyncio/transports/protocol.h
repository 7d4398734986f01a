// Protocols: what a transport calls.
//
// The transport says what happens on a connection, the protocol decides what it means. Order:
//
//   connection_made → data… → eof_received? → connection_lost
//
// Every callback has a harmless default. All are called on the loop's thread, each from a turn of
// its own except pause_writing() and resume_writing(), which the transport calls from inside
// write() and friends. What a callback throws is reported to the loop's exception handler; thrown
// from a data callback it also ends the connection.
#ifndef ASYNCIO_TRANSPORTS_PROTOCOL_H_
#define ASYNCIO_TRANSPORTS_PROTOCOL_H_

#include <cstddef>
#include <exception>
#include <memory>
#include <span>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "asyncio/transports/address.h"

namespace asyncio {

class DatagramTransport;
class Transport;

// What protocols of all kinds have in common. Their connection_made() differs in the kind of
// transport it is given.
//
// Python counterpart: asyncio.BaseProtocol.
class BaseProtocol {
 public:
  virtual ~BaseProtocol() = default;

  // Called once, last, if connection_made() was. Null: end of stream, or closed from here.
  virtual void connection_lost(std::exception_ptr error) { static_cast<void>(error); }

  // The write buffer has grown above its high-water mark, or has shrunk to its low-water mark
  // again. Strictly alternating.
  virtual void pause_writing() {}
  virtual void resume_writing() {}
};

// A protocol that says where received bytes go: no copy. This is the native form.
//
// Python counterpart: asyncio.BufferedProtocol.
class BufferedProtocol : public BaseProtocol {
 public:
  // Called once. `transport` is valid until connection_lost().
  virtual void connection_made(Transport& transport) { static_cast<void>(transport); }

  // Where the next bytes go; asked before every read. An empty span, as this one gives, is an error
  // that ends the connection. `size_hint` is how much the transport would like, 0 if anything will
  // do.
  virtual std::span<char> get_buffer(std::size_t size_hint) {
    static_cast<void>(size_hint);
    return {};
  }

  // `size` bytes, at least one, have been put into that buffer.
  virtual void buffer_updated(std::size_t size) { static_cast<void>(size); }

  // The peer will send no more. True keeps the connection open for writing; false closes it.
  virtual bool eof_received() { return false; }
};

// A protocol that is handed received bytes. They arrive in the loop's one receive buffer and are
// copied by nobody.
//
// Python counterpart: asyncio.Protocol.
class Protocol : public BufferedProtocol {
 public:
  // `data` is valid during the call only.
  virtual void data_received(std::string_view data) { static_cast<void>(data); }

 private:
  std::span<char> get_buffer(std::size_t size_hint) final;
  void buffer_updated(std::size_t size) final;
};

// Makes the protocol of a new connection. What returns a std::unique_ptr or a pointer to a derived
// class will do.
using ProtocolFactory = absl::AnyInvocable<std::shared_ptr<BufferedProtocol>()>;

// Of a DatagramTransport.
//
// Python counterpart: asyncio.DatagramProtocol.
class DatagramProtocol : public BaseProtocol {
 public:
  // Called once. `transport` is valid until connection_lost().
  virtual void connection_made(DatagramTransport& transport) { static_cast<void>(transport); }

  // `data`, which may be empty, is valid during the call only. What this throws is reported; the
  // endpoint stays open.
  virtual void datagram_received(std::string_view data, const SocketAddress& sender) {
    static_cast<void>(data);
    static_cast<void>(sender);
  }

  // A datagram could not be sent or received: an OsError, such as the ConnectionRefusedError that
  // answers one to a closed port. The endpoint stays open.
  virtual void error_received(std::exception_ptr error) { static_cast<void>(error); }
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_PROTOCOL_H_
