#include "streams/src/stream_protocol.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transports/src/receive_buffer.h"

namespace asyncio::internal {

StreamProtocol::StreamProtocol(EventLoop& loop, std::size_t limit) : loop_(loop), limit_(limit) {
  if (limit == 0) throw std::invalid_argument("Limit cannot be <= 0");
}

void StreamProtocol::check_read(const char* call) const {
  throw_if_failed();
  if (reader_ == nullptr) return;
  throw std::runtime_error(
      absl::StrCat(call, "() called while another coroutine is already waiting for incoming data"));
}

void StreamProtocol::begin_waiting(Waiter& waiter, Destination* destination) {
  if (std::exchange(receiving_paused_, false) && transport_ != nullptr) {
    transport_->resume_reading();
  }
  reader_ = &waiter;
  destination_ = destination;
}

void StreamProtocol::end_waiting(const Waiter& waiter) noexcept {
  if (reader_ != &waiter) return;
  reader_ = nullptr;
  destination_ = nullptr;
}

void StreamProtocol::take_back(const Destination& destination) {
  if (destination.received > 0) {
    buffer_.prepend({destination.into.data(), destination.received});
  } else if (destination.text != nullptr) {
    buffer_.prepend(*destination.text);
  }
}

void StreamProtocol::resume_if_drained() {
  if (!receiving_paused_ || buffer_.size() > limit_) return;
  receiving_paused_ = false;
  if (transport_ != nullptr) transport_->resume_reading();
}

// BufferedProtocol.

void StreamProtocol::connection_made(Transport& transport) { transport_ = &transport; }

void StreamProtocol::connection_lost(std::exception_ptr error) {
  transport_ = nullptr;
  lost_ = true;
  eof_ = eof_ || error == nullptr;
  failure_ = std::move(error);
  wake_reader();
  waiting_to_write_.wake_all();
  waiting_for_end_.wake_all();
}

void StreamProtocol::resume_writing() {
  writing_paused_ = false;
  waiting_to_write_.wake_all();
}

std::span<char> StreamProtocol::get_buffer(std::size_t) {
  if (destination_ != nullptr && !destination_->into.empty()) return destination_->into;
  return receive_buffer(loop_);
}

void StreamProtocol::buffer_updated(std::size_t size) {
  if (destination_ != nullptr && !destination_->into.empty()) {
    std::exchange(destination_, nullptr)->received = size;
  } else {
    deliver({receive_buffer(loop_).data(), size});
  }
  wake_reader();
}

void StreamProtocol::deliver(std::string_view data) {
  if (destination_ != nullptr) {
    Destination& destination = *std::exchange(destination_, nullptr);
    const std::size_t taken = std::min(data.size(), destination.most);
    destination.text->assign(data.substr(0, taken));
    data.remove_prefix(taken);
  }
  if (data.empty()) return;
  buffer_.append(data);
  if (receiving_paused_ || transport_ == nullptr || !overfull()) return;
  receiving_paused_ = true;
  transport_->pause_reading();
}

// More than twice the limit, which may be too large to be doubled.
bool StreamProtocol::overfull() const noexcept {
  return buffer_.size() > limit_ && buffer_.size() - limit_ > limit_;
}

// The connection stays open for writing until the writer closes it.
bool StreamProtocol::eof_received() {
  eof_ = true;
  wake_reader();
  return true;
}

void StreamProtocol::wake_reader() noexcept {
  if (reader_ != nullptr) reader_->wake();
}

}  // namespace asyncio::internal
