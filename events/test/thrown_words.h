// What a call that must fail says.

#ifndef ASYNCIO_EVENTS_TEST_THROWN_WORDS_H_
#define ASYNCIO_EVENTS_TEST_THROWN_WORDS_H_

#include <exception>
#include <string>
#include <typeinfo>

namespace asyncio {

// what() of the exception that `call` throws, which must be exactly an `E`.
template <class E>
std::string thrown_words(auto&& call) {
  try {
    call();
  } catch (const std::exception& error) {
    if (typeid(error) == typeid(E)) return error.what();
    return std::string("another exception: ") + typeid(error).name() + ": " + error.what();
  } catch (...) {
    return "an exception that is no std::exception";
  }
  return "no exception";
}

}  // namespace asyncio

#endif  // ASYNCIO_EVENTS_TEST_THROWN_WORDS_H_
