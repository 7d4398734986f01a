// The operations of a socket, awaited: sock_recv() and its kin.
//
// Each tries its system call at once and returns without a turn of the loop if that succeeds; else
// it waits until the socket is ready and tries again, in the turn after. Of two that wait for the
// same thing on one socket the later takes the earlier one's place, which then waits until it is
// cancelled: let one task receive and one send. Cancelled, an operation no longer watches the
// socket, and has taken nothing from it unless it says so.
//
// All throw OsError; std::runtime_error if the socket, by its descriptor, belongs to a transport
// and would have to be waited for; and in debug mode std::invalid_argument if it blocks, which a
// Socket does only if somebody has asked fcntl() for that. Socket and buffers must outlive the
// call.
#ifndef ASYNCIO_TRANSPORTS_SOCK_OPERATIONS_H_
#define ASYNCIO_TRANSPORTS_SOCK_OPERATIONS_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "asyncio/tasks/coro.h"
#include "asyncio/transports/address.h"
#include "asyncio/transports/socket.h"

namespace asyncio {

// At most `size` bytes, and at most 256 KiB; none at the end of the stream. Takes no more memory
// than what has arrived.
//
// Python counterpart: loop.sock_recv().
Coro<std::string> sock_recv(Socket& socket, std::size_t size);

// How many bytes were put into `buffer`; 0 at the end of the stream.
//
// Python counterpart: loop.sock_recv_into().
Coro<std::size_t> sock_recv_into(Socket& socket, std::span<char> buffer);

// A datagram, cut off after `size` bytes, and who sent it: no address if the sender has none.
//
// Python counterpart: loop.sock_recvfrom().
Coro<std::pair<std::string, SocketAddress>> sock_recvfrom(Socket& socket, std::size_t size);

// The same into the first `size` bytes of `buffer`; 0 stands for all of it. Throws
// std::invalid_argument if it is smaller.
//
// Python counterpart: loop.sock_recvfrom_into().
Coro<std::pair<std::size_t, SocketAddress>> sock_recvfrom_into(Socket& socket,
                                                               std::span<char> buffer,
                                                               std::size_t size = 0);

// Sends all of `data`. How much of it has been sent is not known after an error or a cancellation.
//
// Python counterpart: loop.sock_sendall().
Coro<> sock_sendall(Socket& socket, std::string_view data);

// Sends one datagram; how many bytes of it were sent.
//
// Python counterpart: loop.sock_sendto().
Coro<std::size_t> sock_sendto(Socket& socket, std::string_view data, SocketAddress address);

// Connects; returns when the connection stands. On cancellation the attempt may still go on: close
// the socket, or connect again. Throws ConnectionRefusedError and the like.
//
// Python counterpart: loop.sock_connect(), which also takes the name of a host: getaddrinfo() makes
// an address of it.
Coro<> sock_connect(Socket& socket, SocketAddress address);

// The next connection, non-blocking and not inherited, and the address of its peer. Cancelled, it
// leaves the connection to whoever accepts next.
//
// Python counterpart: loop.sock_accept().
Coro<ConnectedSocket> sock_accept(Socket& socket);

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_SOCK_OPERATIONS_H_
