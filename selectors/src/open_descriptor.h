// For kernels that take the number of a descriptor without asking whether it is open.

#ifndef ASYNCIO_SELECTORS_OPEN_DESCRIPTOR_H_
#define ASYNCIO_SELECTORS_OPEN_DESCRIPTOR_H_

namespace asyncio {

// Throws OsError with EBADF unless `fd` is open.
void require_open_descriptor(int fd);

}  // namespace asyncio

#endif  // ASYNCIO_SELECTORS_OPEN_DESCRIPTOR_H_
