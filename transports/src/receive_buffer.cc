#include "transports/src/receive_buffer.h"

#include <cstddef>
#include <memory>

#include "asyncio/events/loop_local.h"

namespace asyncio {
namespace {

struct ReceiveBuffer {
  static constexpr std::size_t kSize = 256 * 1024;

  explicit ReceiveBuffer(EventLoop&) : bytes(std::make_unique_for_overwrite<char[]>(kSize)) {}

  std::unique_ptr<char[]> bytes;
};

}  // namespace

std::span<char> receive_buffer(EventLoop& loop) {
  static auto* buffers = new LoopLocal<ReceiveBuffer>();
  return {buffers->of(loop).bytes.get(), ReceiveBuffer::kSize};
}

}  // namespace asyncio
