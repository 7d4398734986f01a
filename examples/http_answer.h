// What is answered to an HTTP request for a file.
#ifndef ASYNCIO_EXAMPLES_HTTP_ANSWER_H_
#define ASYNCIO_EXAMPLES_HTTP_ANSWER_H_

#include <optional>
#include <string>

#include "examples/http_range.h"
#include "examples/http_request.h"
#include "examples/served_folder.h"

namespace examples {

struct HttpAnswer {
  int status = 200;
  std::string fields;            // lines, Content-Length among them
  std::string text;              // the body, if it is no file
  std::optional<OpenFile> file;  // the body is `part` of it
  ByteRange part;
};

// A body that tells the status to a human.
HttpAnswer status_answer(int status);

// The file at the request's path, the part of it that is wanted, or why there is none.
HttpAnswer answer_to(const HttpRequest& request, const ServedFolder& folder);

}  // namespace examples

#endif  // ASYNCIO_EXAMPLES_HTTP_ANSWER_H_
