#include "transports/src/block_sender.h"

#include <cerrno>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "asyncio/selectors/os_error.h"

namespace asyncio {

std::shared_ptr<BlockSender> BlockSender::start(Transport& transport) {
  std::shared_ptr<BlockSender> sender(new BlockSender(transport));
  sender->was_reading_ = transport.is_reading();
  transport.pause_reading();
  transport.set_protocol(sender);
  return sender;
}

void BlockSender::stop() {
  Transport* const transport = std::exchange(transport_, nullptr);
  if (transport == nullptr) return;
  if (transport->get_protocol().get() == this) transport->set_protocol(protocol_);
  if (was_reading_) transport->resume_reading();
}

void BlockSender::write(std::string_view block) {
  if (transport_ == nullptr) throw_lost();
  if (!transport_->is_closing()) transport_->write(block);
  if (transport_->is_closing()) throw_lost();
}

Coro<> BlockSender::drain() {
  if (transport_->get_write_buffer_size() <= transport_->get_write_buffer_limits().high) co_return;
  Waiter resumed;
  draining_ = &resumed;
  const absl::Cleanup leave = [this] { draining_ = nullptr; };
  co_await resumed;
  if (transport_ == nullptr) throw_lost();
}

void BlockSender::throw_lost() const {
  if (error_ != nullptr) std::rethrow_exception(error_);
  throw_os_error(ECONNABORTED, "sendfile");
}

void BlockSender::wake() noexcept {
  if (draining_ != nullptr) draining_->wake();
}

void BlockSender::connection_lost(std::exception_ptr error) {
  transport_ = nullptr;
  error_ = error;
  wake();
  protocol_->connection_lost(std::move(error));
}

void BlockSender::resume_writing() {
  wake();
  protocol_->resume_writing();
}

}  // namespace asyncio
