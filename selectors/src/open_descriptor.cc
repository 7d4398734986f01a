#include "selectors/src/open_descriptor.h"

#include <fcntl.h>

#include "asyncio/selectors/os_error.h"

namespace asyncio {

void require_open_descriptor(int fd) { check(::fcntl(fd, F_GETFD), "fcntl"); }

}  // namespace asyncio
