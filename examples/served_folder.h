// The files below a folder, for whoever asks over a network.
#ifndef ASYNCIO_EXAMPLES_SERVED_FOLDER_H_
#define ASYNCIO_EXAMPLES_SERVED_FOLDER_H_

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>

#include "asyncio/asyncio.h"

namespace examples {

struct OpenFile {
  asyncio::FileDescriptor descriptor;
  std::int64_t size = 0;
  timespec modified = {};
};

class ServedFolder {
 public:
  // Throws OsError.
  explicit ServedFolder(const std::string& root);

  // The regular file at `path`, which is relative to the folder and made of any bytes that somebody
  // has sent; nullopt if there is none. The kernel sees to it that neither ".." nor a symbolic link
  // leads out of the folder. Throws OsError if the process is out of descriptors, and the like.
  std::optional<OpenFile> open(const std::string& path) const;

 private:
  asyncio::FileDescriptor root_;
};

}  // namespace examples

#endif  // ASYNCIO_EXAMPLES_SERVED_FOLDER_H_
