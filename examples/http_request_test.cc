#include "examples/http_request.h"

#include "gtest/gtest.h"

namespace examples {
namespace {

int status_of(std::string_view head) {
  try {
    parse_request(head);
    return 200;
  } catch (const HttpError& error) {
    return error.status();
  }
}

TEST(HttpRequestTest, HasItsMethodPathAndFields) {
  const HttpRequest request =
      parse_request("GET /a%20b/c?d=e HTTP/1.1\r\nHost: h\r\nX-Y: \t z \r\nx-y: 2\r\n\r\n");
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.path, "/a b/c");
  EXPECT_EQ(request.field("x-y"), "z");
  EXPECT_EQ(request.field("none"), std::nullopt);
  EXPECT_TRUE(request.keep_alive);
  EXPECT_FALSE(request.has_body);
}

TEST(HttpRequestTest, ATargetMayBeAWholeUrl) {
  EXPECT_EQ(parse_request("GET http://h/p HTTP/1.1\r\nHost: h\r\n\r\n").path, "/p");
  EXPECT_EQ(parse_request("GET http://h HTTP/1.1\r\nHost: h\r\n\r\n").path, "/");
}

TEST(HttpRequestTest, TheVersionAndTheClientSayWhetherTheConnectionIsKept) {
  const auto kept = [](std::string_view version, std::string_view connection) {
    return parse_request("GET / " + std::string(version) +
                         "\r\nHost: h\r\nConnection: " + std::string(connection) + "\r\n\r\n")
        .keep_alive;
  };
  EXPECT_TRUE(kept("HTTP/1.1", "x"));
  EXPECT_FALSE(kept("HTTP/1.1", "x, CLOSE"));
  EXPECT_FALSE(kept("HTTP/1.0", "x"));
  EXPECT_TRUE(kept("HTTP/1.0", "Keep-Alive"));
}

TEST(HttpRequestTest, ALengthOrAnEncodingMeansABody) {
  EXPECT_TRUE(parse_request("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n").has_body);
  EXPECT_FALSE(parse_request("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n").has_body);
  EXPECT_TRUE(
      parse_request("GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n").has_body);
}

TEST(HttpRequestTest, WhatCanBeReadInTwoWaysIsRefused) {
  for (const char* head : {
           "\r\n\r\n",
           "GET /\r\n\r\n",
           "GET  / HTTP/1.1\r\nHost: h\r\n\r\n",
           "GET / HTTP/1.1 \r\nHost: h\r\n\r\n",
           "G@T / HTTP/1.1\r\nHost: h\r\n\r\n",
           "GET / FTP/1.1\r\nHost: h\r\n\r\n",
           "GET / HTTP/1.1\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
           "GET / HTTP/1.1\r\nHost : h\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n",
           "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n",
           "GET p HTTP/1.1\r\nHost: h\r\n\r\n",
           "GET /% HTTP/1.1\r\nHost: h\r\n\r\n",
           "GET /%4 HTTP/1.1\r\nHost: h\r\n\r\n",
           "GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n",
       }) {
    EXPECT_EQ(status_of(head), 400) << head;
  }
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\nHost: h\r\n\r\n"), 505);
  EXPECT_EQ(status_of("\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), 200);
}

}  // namespace
}  // namespace examples
