#include "transports/src/write_pipe_transport.h"

#include <sys/stat.h>
#include <sys/uio.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "asyncio/selectors/os_error.h"

namespace asyncio {
namespace {

ssize_t write_pieces(int fd, std::span<const iovec> pieces) {
  return ::writev(fd, pieces.data(), static_cast<int>(pieces.size()));
}

// A pipe has no flag for this, as sockets have.
void ignore_sigpipe() {
  struct sigaction now{};
  check(::sigaction(SIGPIPE, nullptr, &now), "sigaction");
  if ((now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL) {
    ::signal(SIGPIPE, SIG_IGN);
  }
}

// A device that has something to read has not lost its other end.
bool shows_when_reader_goes(int fd) {
  struct stat status{};
  check(::fstat(fd, &status), "fstat");
  return !S_ISCHR(status.st_mode);
}

}  // namespace

std::shared_ptr<WritePipeTransport> WritePipeTransport::start(
    EventLoop& loop, FileDescriptor pipe, std::shared_ptr<BufferedProtocol> protocol,
    std::source_location where) {
  ignore_sigpipe();
  std::shared_ptr<WritePipeTransport> transport(
      new WritePipeTransport(loop, std::move(pipe), std::move(protocol), where));
  transport->life_.start();
  return transport;
}

WritePipeTransport::WritePipeTransport(EventLoop& loop, FileDescriptor pipe,
                                       std::shared_ptr<BufferedProtocol> protocol,
                                       std::source_location created)
    : pipe_(std::move(pipe)),
      protocol_(std::move(protocol)),
      life_(*this, loop, created),
      funnel_(*this, life_, pipe_.get(), write_pieces) {}

// While something is left to send, a reader that goes must still be noticed.
void WritePipeTransport::close() {
  if (!life_.begin_closing() || !funnel_.empty()) return;
  stop_watching_reader();
  life_.lose_soon(nullptr);
}

void WritePipeTransport::flushed() {
  if (!life_.closing()) return;
  stop_watching_reader();
  life_.lose(nullptr);
}

void WritePipeTransport::stop() {
  stop_watching_reader();
  funnel_.stop();
}

// The old protocol may be the one that is calling.
void WritePipeTransport::set_protocol(std::shared_ptr<BufferedProtocol> protocol) {
  if (protocol_ == nullptr) return;
  life_.loop().call_soon([old = std::exchange(protocol_, std::move(protocol))] {});
}

std::any WritePipeTransport::get_extra_info(std::string_view name, std::any fallback) const {
  return name == "pipe" ? std::any(fileno()) : fallback;
}

void WritePipeTransport::start_reading() {
  if (life_.lost() || !shows_when_reader_goes(fileno())) return;
  watching_reader_ = life_.add_reader();
}

void WritePipeTransport::stop_watching_reader() {
  if (std::exchange(watching_reader_, false)) life_.loop().remove_reader(fileno());
}

// Nothing is read: the end that is written shows as readable when the other one is closed.
void WritePipeTransport::on_readable() {
  life_.force_close(funnel_.empty() ? nullptr : make_os_error(EPIPE, "write"));
}

void WritePipeTransport::write(std::string_view data) {
  if (life_.closing()) return funnel_.drop();
  funnel_.write(data);
}

void WritePipeTransport::writelines(std::span<const std::string_view> pieces) {
  if (life_.closing()) return funnel_.drop();
  funnel_.writelines(pieces);
}

void WritePipeTransport::set_write_buffer_limits(std::optional<std::size_t> high,
                                                 std::optional<std::size_t> low) {
  funnel_.set_limits(make_write_buffer_limits(high, low));
}

}  // namespace asyncio
