#include "asyncio/transports/protocol.h"

#include "asyncio/events/running_loop.h"
#include "transports/src/receive_buffer.h"

namespace asyncio {

std::span<char> Protocol::get_buffer(std::size_t) { return receive_buffer(get_running_loop()); }

void Protocol::buffer_updated(std::size_t size) {
  data_received(std::string_view(receive_buffer(get_running_loop()).data(), size));
}

}  // namespace asyncio
