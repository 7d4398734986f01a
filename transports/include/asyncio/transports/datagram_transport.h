// Datagrams: messages that arrive whole or not at all, each with its address.
//
// Sending never waits: what the kernel does not take at once is queued, whole, and the protocol is
// told to pause when the queue grows above its high-water mark. A datagram that cannot be sent is
// dropped and told to error_received(); the endpoint goes on.
#ifndef ASYNCIO_TRANSPORTS_DATAGRAM_TRANSPORT_H_
#define ASYNCIO_TRANSPORTS_DATAGRAM_TRANSPORT_H_

#include <memory>
#include <span>
#include <string_view>

#include "asyncio/transports/address.h"
#include "asyncio/transports/protocol.h"
#include "asyncio/transports/transport.h"

namespace asyncio {

// Python counterpart: asyncio.DatagramTransport.
class DatagramTransport : public BaseTransport {
 public:
  // Sends a datagram, which may be empty, or queues a copy behind those that wait. Without an
  // address it goes to the endpoint's remote address; an endpoint that has one sends to no other:
  // std::invalid_argument. Throws that also without any address. Once the endpoint is lost nothing
  // happens.
  virtual void sendto(std::string_view data, const SocketAddress& address = SocketAddress()) = 0;

  // The same for many to one address, in one system call for up to 16.
  //
  // No Python counterpart.
  virtual void send_batch(std::span<const std::string_view> datagrams,
                          const SocketAddress& address = SocketAddress()) = 0;

  // What happens from now on is told to `protocol`; connection_made() is not called again.
  virtual void set_protocol(std::shared_ptr<DatagramProtocol> protocol) = 0;
  virtual std::shared_ptr<DatagramProtocol> get_protocol() const = 0;
};

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_DATAGRAM_TRANSPORT_H_
