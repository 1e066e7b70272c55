// Zip files whose records are stored as they are, so that they can be read where they lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace fovea {

class StoredZip {
 public:
  struct Record {
    uint16_t flags = 0;
    uint16_t method = 0;       // 0: stored
    uint64_t packed_size = 0;  // bytes in the file
    uint64_t size = 0;         // bytes that it stands for
    uint64_t header = 0;       // where its local header is
  };

  // Reads the directory at the end of `bytes`, zip64's too; `name` stands in messages. Throws Error
  // where there is none, or it lies outside the file, or has a name twice. What the records hold is
  // not looked at yet.
  static StoredZip parse(std::span<const std::byte> bytes, const std::string& name);

  // By name.
  const std::map<std::string, Record>& records() const { return records_; }
  // Throws Error for a record that is not there, compressed, encrypted, or outside of the file.
  std::span<const std::byte> read(const std::string& record) const;

 private:
  std::span<const std::byte> bytes_;
  std::string name_;
  std::map<std::string, Record> records_;
  uint64_t directory_ = 0;  // where it begins; records end before
};

}  // namespace fovea
