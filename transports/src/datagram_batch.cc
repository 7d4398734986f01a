#include "transports/src/datagram_batch.h"

#include "asyncio/events/loop_local.h"

namespace asyncio {

DatagramBatch::DatagramBatch(EventLoop&) : bytes_(std::make_unique_for_overwrite<char[]>(kSize)) {}

DatagramBatch& DatagramBatch::of(EventLoop& loop) {
  static auto* all = new LoopLocal<DatagramBatch>();
  return all->of(loop);
}

int DatagramBatch::receive(int fd, int family) {
  const std::size_t largest = family == AF_UNIX ? kLargestOfUnix : kLargestOfUdp;
  const std::size_t most = kSize / largest;
  for (std::size_t i = 0; i < most; ++i) {
    pieces_[i] = {.iov_base = bytes_.get() + i * largest, .iov_len = largest};
    headers_[i].msg_hdr = {.msg_name = &senders_[i],
                           .msg_namelen = sizeof senders_[i],
                           .msg_iov = &pieces_[i],
                           .msg_iovlen = 1,
                           .msg_control = nullptr,
                           .msg_controllen = 0,
                           .msg_flags = 0};
  }
  return ::recvmmsg(fd, headers_.data(), static_cast<unsigned>(most), MSG_DONTWAIT, nullptr);
}

std::string_view DatagramBatch::data(int index) const {
  const auto i = static_cast<std::size_t>(index);
  return {static_cast<const char*>(pieces_[i].iov_base), headers_[i].msg_len};
}

// A Unix socket without a name sends from no address at all.
SocketAddress DatagramBatch::sender(int index) const {
  const auto i = static_cast<std::size_t>(index);
  const socklen_t size = headers_[i].msg_hdr.msg_namelen;
  if (size == 0) return SocketAddress();
  return {reinterpret_cast<const sockaddr*>(&senders_[i]), size};
}

}  // namespace asyncio
