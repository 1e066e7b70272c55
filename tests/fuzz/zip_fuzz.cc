// Any bytes as a zip file: one clear Error each for the file and for an entry, or what the entry
// holds.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <string>
#include <vector>

#include "fovea/io/error.h"
#include "fovea/io/zip.h"

namespace {

// A file in memory, for ZipFile wants one with a name.
class MemoryFile {
 public:
  MemoryFile(const uint8_t* data, size_t size) : descriptor_(::memfd_create("fuzz.zip", 0)) {
    if (descriptor_ < 0 || ::write(descriptor_, data, size) != static_cast<ssize_t>(size)) {
      std::abort();
    }
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(descriptor_); }

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

void read_all(const fovea::ZipFile& zip) {
  for (size_t entry = 0; entry < zip.names().size(); ++entry) {
    try {
      zip.read(static_cast<int64_t>(entry));
    } catch (const fovea::Error&) {
      // The others may be whole.
    }
  }
  std::vector<int64_t> all(zip.names().size());
  std::iota(all.begin(), all.end(), 0);
  zip.check_readable(all);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const MemoryFile file(data, size);
  try {
    read_all(fovea::ZipFile(file.path()));
  } catch (const fovea::Error&) {
    // The only exception that may come out.
  }
  return 0;
}
