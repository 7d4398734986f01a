#include "transports/src/interleave.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <utility>

namespace asyncio {
namespace {

struct Family {
  int number;
  int next_round;  // its addresses are tried one a round; those ahead of the first, in it
};

}  // namespace

std::vector<AddressInfo> interleave_addrinfos(std::vector<AddressInfo> infos,
                                              int first_family_count) {
  std::vector<Family> families;
  std::multimap<std::pair<int, std::size_t>, AddressInfo> seats;  // by round, and turn within it
  for (AddressInfo& info : infos) {
    auto family = std::find_if(families.begin(), families.end(),
                               [&](Family known) { return known.number == info.family; });
    if (family == families.end()) {
      const int ahead = families.empty() ? std::max(first_family_count, 1) - 1 : 0;
      family = families.insert(family, {info.family, -ahead});
    }
    const auto turn = static_cast<std::size_t>(family - families.begin());
    const int round = std::max(family->next_round++, 0);
    seats.emplace(std::pair(round, turn), std::move(info));
  }
  std::vector<AddressInfo> ordered;
  for (auto& [seat, info] : seats) ordered.push_back(std::move(info));
  return ordered;
}

}  // namespace asyncio
