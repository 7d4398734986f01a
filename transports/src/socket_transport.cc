#include "transports/src/socket_transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "asyncio/events/activity.h"
#include "asyncio/events/fatal_error.h"
#include "asyncio/events/logger.h"
#include "asyncio/events/loop_local.h"
#include "asyncio/selectors/os_error.h"

namespace asyncio {
namespace {

constexpr int kDroppedWritesBeforeWarning = 5;

// Small messages must not wait for the answer to the previous one.
void disable_delay(const Socket& socket) {
  const int family = socket.getsockname().family();
  if (family == AF_INET || family == AF_INET6) socket.set_option(IPPROTO_TCP, TCP_NODELAY, 1);
}

// The open connections of a loop: it owns them until they are lost.
class OpenTransports {
 public:
  explicit OpenTransports(EventLoop&) {}

  ~OpenTransports() {
    while (!open_.empty()) {
      const std::shared_ptr<SocketTransport> transport = *open_.begin();
      open_.erase(open_.begin());
      transport->abandon();
    }
  }

  static OpenTransports& of(EventLoop& loop) {
    static auto* all = new LoopLocal<OpenTransports>();
    return all->of(loop);
  }

  void add(std::shared_ptr<SocketTransport> transport) { open_.insert(std::move(transport)); }
  void remove(const std::shared_ptr<SocketTransport>& transport) { open_.erase(transport); }

 private:
  absl::flat_hash_set<std::shared_ptr<SocketTransport>> open_;
};

}  // namespace

// Life.

std::shared_ptr<SocketTransport> SocketTransport::start(
    EventLoop& loop, Socket socket, std::shared_ptr<BufferedProtocol> protocol,
    std::shared_ptr<ConnectionObserver> observer, std::source_location where) {
  std::shared_ptr<SocketTransport> transport(new SocketTransport(
      loop, std::move(socket), std::move(protocol), std::move(observer), where));
  OpenTransports::of(loop).add(transport);
  transport->begin();
  return transport;
}

SocketTransport::SocketTransport(EventLoop& loop, Socket socket,
                                 std::shared_ptr<BufferedProtocol> protocol,
                                 std::shared_ptr<ConnectionObserver> observer,
                                 std::source_location created)
    : loop_(loop),
      created_(created),
      socket_(std::move(socket)),
      protocol_(std::move(protocol)),
      observer_(std::move(observer)) {
  disable_delay(socket_);
}

SocketTransport::~SocketTransport() = default;

// Two turns' entries, as in asyncio: the protocol may pause or close in the first.
void SocketTransport::begin() {
  if (observer_ != nullptr) observer_->attached(*this);
  loop_.call_soon(
      [this] {
        made_ = true;
        protocol_->connection_made(*this);
      },
      created_);
  loop_.call_soon([this] { start_reading(); }, created_);
}

void SocketTransport::close() {
  if (closing_) return;
  closing_ = true;
  stop_reading();
  if (unsent_.empty()) lose_soon(nullptr);
}

// A failure of the connection is the peer's or the network's and is told to the protocol only;
// anything else is a mistake of the program and is reported.
void SocketTransport::fail(const char* message) {
  const std::exception_ptr error = std::current_exception();
  try {
    throw;
  } catch (const OsError&) {
  } catch (const FatalError&) {
    force_close(error);
    throw;
  } catch (...) {
    loop_.call_exception_handler({.message = message,
                                  .exception = error,
                                  .details = {{"transport", absl::StrCat("fd ", fileno())}}});
  }
  force_close(error);
}

void SocketTransport::force_close(std::exception_ptr error) {
  if (lost_) return;
  closing_ = true;
  stop_reading();
  if (!unsent_.empty()) {
    unsent_.clear();
    loop_.remove_writer(fileno());
  }
  lose_soon(std::move(error));
}

// Never from inside the caller's call: protocols need not expect it there.
void SocketTransport::lose_soon(std::exception_ptr error) {
  lost_ = true;
  if (loop_.is_closed()) return;
  loop_.call_soon([this, error = std::move(error)]() mutable { lose(std::move(error)); }, created_);
}

void SocketTransport::lose(std::exception_ptr error) {
  const std::shared_ptr<SocketTransport> self = shared_from_this();
  OpenTransports::of(loop_).remove(self);
  finish(std::move(error));
}

// Whatever the protocol does in its last call, the descriptor goes and the observer hears of it. A
// loop that closes may find a protocol that has not had its first one.
void SocketTransport::finish(std::exception_ptr error) {
  const std::shared_ptr<BufferedProtocol> protocol = std::move(protocol_);
  const std::shared_ptr<ConnectionObserver> observer = std::move(observer_);
  lost_ = true;
  absl::Cleanup release = [&] {
    socket_.close();
    if (observer != nullptr) observer->detached(*this);
  };
  if (made_) protocol->connection_lost(std::move(error));
}

void SocketTransport::abandon() {
  if (loop_.get_debug() && !closing_) {
    log(LogSeverity::kWarning, absl::StrCat("unclosed transport, descriptor ", fileno(),
                                            ", created at ", to_string(created_)));
  }
  closing_ = true;
  stop_reading();
  if (!unsent_.empty()) loop_.remove_writer(fileno());
  unsent_.clear();
  try {
    finish(make_os_error(ECONNABORTED, "the event loop was closed"));
  } catch (const FatalError&) {
    // The loop is closing already.
  } catch (...) {
    loop_.call_exception_handler(
        {.message = "Exception in connection_lost", .exception = std::current_exception()});
  }
}

// The old protocol may be the one that is calling.
void SocketTransport::set_protocol(std::shared_ptr<BufferedProtocol> protocol) {
  if (protocol_ == nullptr) return;
  loop_.call_soon([old = std::exchange(protocol_, std::move(protocol))] {});
}

// Receiving.

void SocketTransport::start_reading() {
  if (!is_reading() || registered_) return;
  loop_.add_reader(fileno(), [this] { on_readable(); }, created_);
  registered_ = true;
}

void SocketTransport::stop_reading() {
  if (!std::exchange(registered_, false)) return;
  loop_.remove_reader(fileno());
}

void SocketTransport::pause_reading() {
  if (!is_reading()) return;
  paused_ = true;
  stop_reading();
}

void SocketTransport::resume_reading() {
  if (closing_ || !std::exchange(paused_, false)) return;
  start_reading();
}

void SocketTransport::on_readable() {
  try {
    receive();
  } catch (...) {
    fail("Fatal error while receiving");
  }
}

void SocketTransport::receive() {
  const std::span<char> buffer = protocol_->get_buffer(0);
  if (buffer.empty()) throw std::runtime_error("get_buffer() returned an empty buffer");
  const std::optional<std::size_t> received = socket_.recv(buffer);
  if (!received.has_value()) return;
  if (*received == 0) return on_eof();
  protocol_->buffer_updated(*received);
}

// A connection that stays open for writing is no longer watched, or its end would be seen for ever.
void SocketTransport::on_eof() {
  eof_seen_ = true;
  stop_reading();
  if (!protocol_->eof_received()) close();
}

// Sending.

bool SocketTransport::accepts_write(std::string_view data) {
  if (eof_written_) throw std::runtime_error("Cannot call write() after write_eof()");
  if (data.empty()) return false;
  if (!lost_) return true;
  if (++dropped_writes_ >= kDroppedWritesBeforeWarning) {
    log(LogSeverity::kWarning, "socket.send() raised exception.");
  }
  return false;
}

void SocketTransport::write(std::string_view data) {
  if (!accepts_write(data)) return;
  if (unsent_.empty()) data.remove_prefix(send_now(data));
  if (!data.empty() && !lost_) keep(data);
}

void SocketTransport::writelines(std::span<const std::string_view> pieces) {
  write(absl::StrJoin(pieces, ""));
}

// How much the kernel took; an error ends the connection.
std::size_t SocketTransport::send_now(std::string_view data) {
  try {
    return socket_.send(data).value_or(0);
  } catch (...) {
    fail("Fatal write error on socket transport");
    return data.size();
  }
}

void SocketTransport::keep(std::string_view rest) {
  if (unsent_.empty()) loop_.add_writer(fileno(), [this] { on_writable(); }, created_);
  unsent_.append(rest);
  pause_if_needed();
}

// Resuming the protocol may write more, close or abort. A connection that ends there has nothing
// buffered any more but is still watched for writing.
void SocketTransport::on_writable() {
  const std::size_t sent = send_now(unsent_.view());
  if (lost_) return;
  unsent_.consume(sent);
  resume_if_possible();
  if (!unsent_.empty()) return;
  loop_.remove_writer(fileno());
  if (!lost_) when_flushed();
}

void SocketTransport::when_flushed() {
  if (closing_) {
    lose(nullptr);
  } else if (eof_written_) {
    end_stream();
  }
}

void SocketTransport::write_eof() {
  if (closing_ || std::exchange(eof_written_, true)) return;
  if (unsent_.empty()) end_stream();
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
  flow_.set_limits(make_write_buffer_limits(high, low));
  pause_if_needed();
}

void SocketTransport::pause_if_needed() {
  if (!flow_.must_pause(unsent_.size())) return;
  call_flow_callback([this] { protocol_->pause_writing(); }, "pause_writing");
}

void SocketTransport::resume_if_possible() {
  if (!flow_.must_resume(unsent_.size())) return;
  call_flow_callback([this] { protocol_->resume_writing(); }, "resume_writing");
}

template <class Callback>
void SocketTransport::call_flow_callback(Callback callback, const char* name) {
  if (protocol_ == nullptr) return;
  try {
    callback();
  } catch (const FatalError&) {
    throw;
  } catch (...) {
    loop_.call_exception_handler({.message = absl::StrCat("protocol.", name, "() failed"),
                                  .exception = std::current_exception()});
  }
}

}  // namespace asyncio
