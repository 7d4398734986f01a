// The order in which addresses of several families are tried.
#ifndef ASYNCIO_TRANSPORTS_INTERLEAVE_H_
#define ASYNCIO_TRANSPORTS_INTERLEAVE_H_

#include <vector>

#include "asyncio/transports/address_info.h"

namespace asyncio {

// One of each family in turn (RFC 8305, section 4). The families come in the order in which they
// appear, and of the first one `first_family_count` before the others' first; less than 1 is 1.
//
// Python counterpart: asyncio.base_events._interleave_addrinfos().
std::vector<AddressInfo> interleave_addrinfos(std::vector<AddressInfo> infos,
                                              int first_family_count = 1);

}  // namespace asyncio

#endif  // ASYNCIO_TRANSPORTS_INTERLEAVE_H_
