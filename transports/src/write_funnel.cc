#include "transports/src/write_funnel.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <stdexcept>

#include "asyncio/events/logger.h"
#include "asyncio/selectors/os_error.h"
#include "transports/src/would_block.h"

namespace asyncio {
namespace {

// Pieces of one system call. More would only take more stack: after 64 small pieces the call itself
// no longer counts, and large ones are not taken at once anyway.
constexpr std::size_t kPiecesAtOnce = 64;
static_assert(kPiecesAtOnce <= IOV_MAX);

iovec piece(std::string_view data) {
  return {.iov_base = const_cast<char*>(data.data()), .iov_len = data.size()};
}

std::size_t size_of(std::span<const std::string_view> pieces) {
  std::size_t size = 0;
  for (const std::string_view data : pieces) size += data.size();
  return size;
}

}  // namespace

bool WriteFunnel::accepts_write() {
  check_not_refused();
  if (!life_.lost()) return true;
  drop();
  return false;
}

void WriteFunnel::check_not_refused() const {
  if (refusal_ != nullptr) throw std::runtime_error(refusal_);
}

WriteFunnel::Backlog& WriteFunnel::backlog() {
  if (backlog_ == nullptr) backlog_ = std::make_unique<Backlog>(life_.loop());
  return *backlog_;
}

void WriteFunnel::drop() {
  if (dropped_writes_.add()) log(LogSeverity::kWarning, owner_.dropped_write_warning());
}

void WriteFunnel::write(std::string_view data) {
  if (data.empty() && refusal_ == nullptr) return;
  if (!accepts_write()) return;
  if (empty()) {
    const iovec whole = piece(data);
    data.remove_prefix(send_now({&whole, 1}));
  }
  if (data.empty() || life_.lost()) return;
  if (keep(data)) grew();
}

void WriteFunnel::writelines(std::span<const std::string_view> pieces) {
  const bool nothing = std::ranges::all_of(pieces, &std::string_view::empty);
  if (nothing && refusal_ == nullptr) return;
  if (!accepts_write()) return;
  std::size_t sent = empty() ? send_pieces(pieces) : 0;
  if (life_.lost()) return;
  for (std::string_view rest : pieces) {
    const std::size_t skipped = std::min(sent, rest.size());
    sent -= skipped;
    rest.remove_prefix(skipped);
    if (!rest.empty() && !keep(rest)) return;
  }
  grew();
}

// How many of the bytes the kernel took: all, unless it takes no more now.
std::size_t WriteFunnel::send_pieces(std::span<const std::string_view> pieces) {
  std::size_t sent = 0;
  while (!pieces.empty()) {
    std::array<iovec, kPiecesAtOnce> batch;
    const std::size_t count = std::min(pieces.size(), kPiecesAtOnce);
    std::ranges::transform(pieces.first(count), batch.begin(), piece);
    const std::size_t taken = send_now({batch.data(), count});
    sent += taken;
    if (life_.lost() || taken < size_of(pieces.first(count))) break;
    pieces = pieces.subspan(count);
  }
  return sent;
}

// How many the kernel took; 0 as well if it refused, which ends the connection.
std::size_t WriteFunnel::send_now(std::span<const iovec> pieces) {
  const ssize_t sent = send_(fd_, pieces);
  if (sent > 0) progressed_ = true;
  if (sent >= 0) return static_cast<std::size_t>(sent);
  const int error = last_error();
  if (would_block(error)) return 0;
  try {
    throw_os_error(error, "write");
  } catch (const OsError&) {
    owner_.write_failed();
  }
  return 0;
}

bool WriteFunnel::watch() {
  return watching() || life_.add_writer([this] { on_writable(); });
}

// False if the connection has ended instead.
bool WriteFunnel::keep(std::string_view rest) {
  Backlog& kept = backlog();
  if (!watch()) return false;
  kept.unsent.append(rest);
  kept.unheeded = kept.pauser.paused() ? kept.unheeded + rest.size() : 0;
  return true;
}

void WriteFunnel::grew() {
  if (backlog_ == nullptr) return;
  if (backlog_->unheeded == 0 || backlog_->unheeded <= owner_.most_unheeded()) {
    return backlog_->pauser.grew(size(), owner_.writer());
  }
  life_.force_close(make_os_error(ENOBUFS, "written in spite of pause_writing()"));
}

// Resuming the protocol may write more, close or abort. A connection that ends there has nothing
// buffered any more but is still watched for writing.
void WriteFunnel::on_writable() {
  if (empty()) return all_sent();
  const iovec whole = piece(backlog_->unsent.view());
  const std::size_t sent = send_now({&whole, 1});
  if (life_.lost()) return;
  backlog_->unsent.consume(sent);
  backlog_->pauser.shrank(size(), owner_.writer());
  if (!empty()) return;
  all_sent();
  if (!life_.lost()) owner_.flushed();
}

// Whoever waits is told before the owner, who may end the connection.
void WriteFunnel::all_sent() {
  life_.loop().remove_writer(fd_);
  if (!waiting()) return;
  progressed_ = true;
  wake_waiter();
}

void WriteFunnel::wake_waiter() { std::exchange(backlog_->waiter, nullptr)->wake(); }

void WriteFunnel::wake_when_writable(Waiter& waiter) {
  Backlog& kept = backlog();
  if (watch()) {
    kept.waiter = &waiter;
  } else {
    waiter.wake();
  }
}

void WriteFunnel::withdraw_waiter() {
  if (!waiting()) return;
  backlog_->waiter = nullptr;
  if (!watching()) life_.loop().remove_writer(fd_);
}

void WriteFunnel::stop() {
  if (!watching()) return;
  backlog_->unsent.clear();
  if (waiting()) wake_waiter();
  life_.loop().remove_writer(fd_);
}

void WriteFunnel::set_limits(WriteBufferLimits limits) {
  backlog().pauser.set_limits(limits);
  backlog_->pauser.grew(size(), owner_.writer());
}

}  // namespace asyncio
