#include "transports/src/socket_transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <limits>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/transports/transport_socket.h"

namespace asyncio {
namespace {

// Small messages must not wait for the answer to the previous one. A peer that has gone may have no
// address any more.
void disable_delay(const Socket& socket, const SocketAddress& peer) {
  const int known = peer.family();
  const int family = known != AF_UNSPEC ? known : socket.getsockname().family();
  if (family == AF_INET || family == AF_INET6) socket.set_option(IPPROTO_TCP, TCP_NODELAY, 1);
}

ssize_t send_pieces(int fd, std::span<const iovec> pieces) {
  if (pieces.size() == 1) {
    return ::send(fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
  }
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

}  // namespace

// Life.

std::shared_ptr<SocketTransport> SocketTransport::start(
    EventLoop& loop, Socket socket, std::shared_ptr<BufferedProtocol> protocol,
    std::shared_ptr<ConnectionObserver> observer, std::source_location where) {
  SocketAddress peer = socket.getpeername();
  ConnectedSocket connection{std::move(socket), std::move(peer)};
  return start(loop, std::move(connection), std::move(protocol), std::move(observer), where);
}

std::shared_ptr<SocketTransport> SocketTransport::start(
    EventLoop& loop, ConnectedSocket connection, std::shared_ptr<BufferedProtocol> protocol,
    std::shared_ptr<ConnectionObserver> observer, std::source_location where) {
  auto transport = std::make_shared<SocketTransport>(
      Private(), loop, std::move(connection), std::move(protocol), std::move(observer), where);
  transport->life_.start();
  if (transport->observer_ != nullptr) transport->observer_->attached(*transport);
  return transport;
}

SocketTransport::SocketTransport(Private, EventLoop& loop, ConnectedSocket connection,
                                 std::shared_ptr<BufferedProtocol> protocol,
                                 std::shared_ptr<ConnectionObserver> observer,
                                 std::source_location created)
    : socket_(std::move(connection.socket)),
      protocol_(std::move(protocol)),
      observer_(std::move(observer)),
      peer_(std::move(connection.peer)),
      life_(*this, loop, created),
      funnel_(*this, life_, socket_.fileno(), send_pieces) {
  disable_delay(socket_, peer_);
}

SocketTransport::~SocketTransport() = default;

void SocketTransport::close() {
  if (!life_.begin_closing()) return;
  stop_reading();
  if (!funnel_.empty()) return;
  funnel_.stop();
  life_.lose_soon(nullptr);
}

void SocketTransport::stop() {
  stop_reading();
  funnel_.stop();
}

void SocketTransport::ended() {
  if (const auto observer = std::move(observer_)) observer->detached(*this);
}

// The old protocol may be the one that is calling.
void SocketTransport::set_protocol(std::shared_ptr<BufferedProtocol> protocol) {
  if (protocol_ == nullptr) return;
  life_.loop().call_soon([old = std::exchange(protocol_, std::move(protocol))] {});
}

std::any SocketTransport::get_extra_info(std::string_view name, std::any fallback) const {
  if (name == "sockname") return sockname();
  if (name == "peername") return peername();
  if (name == "socket") {
    return TransportSocket(std::shared_ptr<const Socket>(shared_from_this(), &socket_));
  }
  return fallback;
}

// Receiving.

void SocketTransport::start_reading() {
  if (!is_reading() || registered_) return;
  registered_ = life_.add_reader();
}

void SocketTransport::stop_reading() {
  if (!std::exchange(registered_, false)) return;
  life_.loop().remove_reader(fileno());
}

void SocketTransport::pause_reading() {
  if (!is_reading()) return;
  paused_ = true;
  stop_reading();
}

void SocketTransport::resume_reading() {
  if (life_.closing() || !std::exchange(paused_, false)) return;
  start_reading();
}

void SocketTransport::on_readable() {
  Step step = Step::kGetBuffer;
  try {
    receive(&step);
  } catch (...) {
    life_.fail(absl::StrCat("Fatal error: ", name_of(step), " failed."));
  }
}

// `step`: what is being done, for the report if it fails. A protocol that is replaced in the middle
// lives to the end of the turn, and what is in its buffer is its own.
void SocketTransport::receive(Step* step) {
  BufferedProtocol& receiver = *protocol_;
  const std::span<char> buffer = receiver.get_buffer(0);
  if (!is_reading()) return;
  if (buffer.empty()) throw std::runtime_error("get_buffer() returned an empty buffer");
  *step = Step::kRead;
  const std::optional<std::size_t> received = socket_.recv(buffer);
  if (!received.has_value()) return;
  if (*received == 0) {
    *step = Step::kEof;
    return on_eof();
  }
  active_ = true;
  *step = Step::kUpdate;
  receiver.buffer_updated(*received);
}

const char* SocketTransport::name_of(Step step) const {
  if (step == Step::kGetBuffer) return "protocol.get_buffer() call";
  if (step == Step::kRead) return "read on socket transport";
  if (step == Step::kEof) return "protocol.eof_received() call";
  return dynamic_cast<const Protocol*>(protocol_.get()) != nullptr
             ? "protocol.data_received() call"
             : "protocol.buffer_updated() call";
}

// A connection that stays open for writing is no longer watched, or its end would be seen for ever.
void SocketTransport::on_eof() {
  eof_seen_ = true;
  stop_reading();
  if (!protocol_->eof_received()) close();
}

// Sending.

std::size_t SocketTransport::most_unheeded() const noexcept {
  return observer_ != nullptr ? observer_->most_unheeded()
                              : std::numeric_limits<std::size_t>::max();
}

void SocketTransport::flushed() {
  if (life_.closing()) {
    life_.lose(nullptr);
  } else if (eof_written_ && !sending_file_) {
    end_stream();
  }
}

void SocketTransport::write_eof() {
  if (life_.closing() || std::exchange(eof_written_, true)) return;
  funnel_.refuse("Cannot call write() after write_eof()");
  if (funnel_.empty() && !sending_file_) end_stream();
}

void SocketTransport::begin_sendfile() {
  funnel_.check_not_refused();
  funnel_.refuse("unable to write; sendfile is in progress");
  sending_file_ = true;
}

void SocketTransport::end_sendfile() {
  sending_file_ = false;
  if (!eof_written_) return funnel_.refuse(nullptr);
  if (funnel_.empty() && !life_.closing()) end_stream();
}

// Fails only if the peer has reset the connection; that is for receiving to tell, after what came
// before.
void SocketTransport::end_stream() {
  try {
    socket_.shutdown_write();
  } catch (const OsError&) {
  }
}

void SocketTransport::set_write_buffer_limits(std::optional<std::size_t> high,
                                              std::optional<std::size_t> low) {
  funnel_.set_limits(make_write_buffer_limits(high, low));
}

}  // namespace asyncio
