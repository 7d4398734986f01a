#include "transports/src/datagram_socket_transport.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <exception>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/logger.h"
#include "asyncio/selectors/os_error.h"
#include "asyncio/transports/transport_socket.h"
#include "transports/src/datagram_batch.h"
#include "transports/src/would_block.h"

namespace asyncio {
namespace {

constexpr std::size_t kSentAtOnce = 16;

// What a queued datagram costs besides its bytes, so that empty ones count as well.
constexpr std::size_t kHeaderSize = 8;

// The messages of one system call.
class Outgoing {
 public:
  // Both stay the caller's until send(). `to` may be no address, for a connected socket.
  void add(std::string_view data, const SocketAddress& to) {
    pieces_[count_] = {.iov_base = const_cast<char*>(data.data()), .iov_len = data.size()};
    msghdr& header = headers_[count_].msg_hdr;
    header.msg_iov = &pieces_[count_];
    header.msg_iovlen = 1;
    if (to.size() != 0) {
      header.msg_name = const_cast<sockaddr*>(to.data());
      header.msg_namelen = to.size();
    }
    ++count_;
  }

  // How many have left; -1 and errno if the first could not.
  int send(int fd) {
    return ::sendmmsg(fd, headers_.data(), static_cast<unsigned>(count_), MSG_NOSIGNAL);
  }

 private:
  std::array<mmsghdr, kSentAtOnce> headers_{};
  std::array<iovec, kSentAtOnce> pieces_{};
  std::size_t count_ = 0;
};

}  // namespace

// Life.

std::shared_ptr<DatagramSocketTransport> DatagramSocketTransport::start(
    EventLoop& loop, Socket socket, SocketAddress remote,
    std::shared_ptr<DatagramProtocol> protocol, std::source_location where) {
  std::shared_ptr<DatagramSocketTransport> transport(new DatagramSocketTransport(
      loop, std::move(socket), std::move(remote), std::move(protocol), where));
  transport->life_.start();
  return transport;
}

DatagramSocketTransport::DatagramSocketTransport(EventLoop& loop, Socket socket,
                                                 SocketAddress remote,
                                                 std::shared_ptr<DatagramProtocol> protocol,
                                                 std::source_location created)
    : socket_(std::move(socket)),
      protocol_(std::move(protocol)),
      remote_(std::move(remote)),
      family_(socket_.option(SOL_SOCKET, SO_DOMAIN)),
      connected_(socket_.getpeername().size() != 0),
      life_(*this, loop, created),
      pauser_(loop) {}

void DatagramSocketTransport::close() {
  if (!life_.begin_closing()) return;
  stop_reading();
  if (!queue_.empty()) return;
  stop_writing();  // when called while the last datagram is refused
  life_.lose_soon(nullptr);
}

void DatagramSocketTransport::stop() {
  stop_reading();
  stop_writing();
  queue_.clear();
  queued_ = 0;
}

// The old protocol may be the one that is calling.
void DatagramSocketTransport::set_protocol(std::shared_ptr<DatagramProtocol> protocol) {
  if (protocol_ == nullptr) return;
  life_.loop().call_soon([old = std::exchange(protocol_, std::move(protocol))] {});
}

std::any DatagramSocketTransport::get_extra_info(std::string_view name, std::any fallback) const {
  if (name == "sockname") return sockname();
  if (name == "peername" && connected_) return peername();
  if (name == "socket") {
    return TransportSocket(std::shared_ptr<const Socket>(shared_from_this(), &socket_));
  }
  return fallback;
}

// Receiving.

void DatagramSocketTransport::start_reading() {
  if (life_.closing()) return;
  reading_ = life_.add_reader();
}

void DatagramSocketTransport::stop_reading() {
  if (std::exchange(reading_, false)) life_.loop().remove_reader(fileno());
}

// The protocol may close the endpoint while some of what has been received is not delivered yet.
void DatagramSocketTransport::on_readable() {
  DatagramBatch& batch = DatagramBatch::of(life_.loop());
  const int count = batch.receive(fileno(), family_);
  if (count < 0) {
    const int error = last_error();
    if (!would_block(error)) tell_error(error);
    return;
  }
  for (int i = 0; i < count && !life_.closing(); ++i) deliver(batch.data(i), batch.sender(i));
}

// One that fails must not take those behind it along.
void DatagramSocketTransport::deliver(std::string_view data, const SocketAddress& sender) {
  try {
    protocol_->datagram_received(data, sender);
  } catch (const FatalError&) {
    throw;
  } catch (...) {
    life_.loop().call_exception_handler(
        {.message = "Exception in protocol.datagram_received()",
         .exception = std::current_exception(),
         .details = {{"transport", absl::StrCat("fd ", fileno())}}});
  }
}

// Sending.

const SocketAddress& DatagramSocketTransport::destination(const SocketAddress& address) const {
  const bool none = address.size() == 0;
  if (remote_.size() != 0 && !none && !(address == remote_)) {
    throw std::invalid_argument(
        absl::StrCat("Invalid address: must be None or ", remote_.to_string()));
  }
  if (remote_.size() == 0 && none && !connected_) {
    throw std::invalid_argument("sendto() needs an address: the endpoint has no remote one");
  }
  return none ? remote_ : address;
}

bool DatagramSocketTransport::drops_writes() {
  if (!life_.lost()) return false;
  if (remote_.size() != 0 && dropped_writes_.add()) {
    log(LogSeverity::kWarning, "socket.send() raised exception.");
  }
  return true;
}

void DatagramSocketTransport::sendto(std::string_view data, const SocketAddress& address) {
  const SocketAddress& to = destination(address);
  if (drops_writes()) return;
  if (queue_.empty() && send_now(data, to)) return;
  keep(data, to);
  pauser_.grew(queued_, protocol_.get());
}

void DatagramSocketTransport::send_batch(std::span<const std::string_view> datagrams,
                                         const SocketAddress& address) {
  const SocketAddress& to = destination(address);
  if (datagrams.empty() || drops_writes()) return;
  if (queue_.empty()) datagrams = datagrams.subspan(send_many(datagrams, to));
  if (life_.lost()) return;
  for (const std::string_view data : datagrams) keep(data, to);
  pauser_.grew(queued_, protocol_.get());
}

// True when it is gone: sent, or refused. The latter is told last, for the protocol may do anything
// then.
bool DatagramSocketTransport::send_now(std::string_view data, const SocketAddress& address) {
  const bool own = connected_ || address.size() == 0;
  const ssize_t sent = ::sendto(fileno(), data.data(), data.size(), MSG_NOSIGNAL,
                                own ? nullptr : address.data(), own ? 0 : address.size());
  if (sent >= 0) return true;
  const int error = last_error();
  if (would_block(error)) return false;
  tell_error(error);
  return true;
}

// How many are gone; the kernel takes no more now.
std::size_t DatagramSocketTransport::send_many(std::span<const std::string_view> datagrams,
                                               const SocketAddress& address) {
  const SocketAddress none;
  const SocketAddress& to = connected_ ? none : address;
  std::size_t gone = 0;
  while (gone < datagrams.size() && queue_.empty() && !life_.lost()) {
    Outgoing batch;
    const std::span<const std::string_view> rest = datagrams.subspan(gone);
    for (const std::string_view data : rest.first(std::min(rest.size(), kSentAtOnce))) {
      batch.add(data, to);
    }
    const int sent = batch.send(fileno());
    if (sent < 0 && would_block(last_error())) break;
    gone += sent < 0 ? 1 : static_cast<std::size_t>(sent);
    if (sent < 0) tell_error(last_error());
  }
  return gone;
}

void DatagramSocketTransport::keep(std::string_view data, const SocketAddress& address) {
  if (life_.lost()) return;
  watch_writable();
  if (!writing_) return;
  queue_.push_back({std::string(data), connected_ ? SocketAddress() : address});
  queued_ += data.size() + kHeaderSize;
}

void DatagramSocketTransport::drop_first() {
  queued_ -= queue_.front().data.size() + kHeaderSize;
  queue_.pop_front();
}

// The protocol may send more, close or abort, when it is told of an error and when it is resumed.
void DatagramSocketTransport::on_writable() {
  while (flush_batch()) {
  }
  if (!life_.lost()) pauser_.shrank(queued_, protocol_.get());
  if (!queue_.empty() || life_.lost()) return;
  stop_writing();
  if (life_.closing()) life_.lose(nullptr);
}

// Whether there is more to send now. One that is refused is dropped, and the rest waits for the
// next time.
bool DatagramSocketTransport::flush_batch() {
  if (queue_.empty()) return false;
  Outgoing batch;
  for (std::size_t i = 0; i < std::min(queue_.size(), kSentAtOnce); ++i) {
    batch.add(queue_[i].data, queue_[i].address);
  }
  const int sent = batch.send(fileno());
  if (sent >= 0) {
    for (int i = 0; i < sent; ++i) drop_first();
    return true;
  }
  const int error = last_error();
  if (would_block(error)) return false;
  drop_first();
  tell_error(error);
  return false;
}

void DatagramSocketTransport::watch_writable() {
  if (!writing_) writing_ = life_.add_writer([this] { on_writable(); });
}

void DatagramSocketTransport::stop_writing() {
  if (std::exchange(writing_, false)) life_.loop().remove_writer(fileno());
}

void DatagramSocketTransport::set_write_buffer_limits(std::optional<std::size_t> high,
                                                      std::optional<std::size_t> low) {
  pauser_.set_limits(make_write_buffer_limits(high, low));
  pauser_.grew(queued_, protocol_.get());
}

void DatagramSocketTransport::tell_error(int error) {
  protocol_->error_received(make_os_error(error, "datagram on socket"));
}

}  // namespace asyncio
