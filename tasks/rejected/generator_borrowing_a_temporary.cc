// A generator is asked for values later: a temporary behind a parameter would be gone.
//
// expect: an AsyncGenerator outlives the expression that makes it, so no parameter may refer
// expect: take it by value, as a pointer or by non-const reference

#include <string>

#include "asyncio/tasks/async_generator.h"

namespace generator_borrowing_a_temporary {

using asyncio::AsyncGenerator;

#ifdef REJECTED
AsyncGenerator<char> letters(const std::string& word) {
#else
AsyncGenerator<char> letters(std::string word) {
#endif
  for (const char letter : word) co_yield letter;
}

}  // namespace generator_borrowing_a_temporary
