// Helpers for the tests of torch's files: pickles put together of opcodes, and zips of records.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fovea {

// A number of so many bytes, little-endian.
inline std::string little(uint64_t value, size_t bytes) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i) {
    text += static_cast<char>(value);
    value >>= 8;
  }
  return text;
}

inline std::string py_text(std::string_view text) {
  return "X" + little(text.size(), 4) + std::string(text);
}
inline std::string py_int(int64_t value) {
  return "\x8a\x08" + little(static_cast<uint64_t>(value), 8);
}
inline std::string py_tuple(const std::vector<std::string>& items) {
  std::string text = "(";
  for (const std::string& item : items) text += item;
  return text + "t";
}
inline std::string py_ints(const std::vector<int64_t>& values) {
  std::vector<std::string> items;
  for (const int64_t value : values) items.push_back(py_int(value));
  return py_tuple(items);
}
inline std::string py_global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
inline std::string py_dict(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string text = "}(";
  for (const auto& [name, value] : entries) text += py_text(name) + value;
  return text + "u";
}
inline std::string pickle(const std::string& value) { return "\x80\x02" + value + "."; }

inline std::string py_storage(const std::string& key, int64_t elements,
                              const std::string& type = "FloatStorage") {
  return py_tuple({py_text("storage"), py_global("torch", type), py_text(key), py_text("cpu"),
                   py_int(elements)}) +
         "Q";
}
inline std::string py_tensor(const std::string& storage, int64_t offset,
                             const std::vector<int64_t>& size, const std::vector<int64_t>& stride) {
  return py_global("torch._utils", "_rebuild_tensor_v2") +
         py_tuple({storage, py_int(offset), py_ints(size), py_ints(stride), "\x89", "}"}) + "R";
}

using ZipRecords = std::vector<std::pair<std::string, std::string>>;

struct ZipOptions {
  bool is_64 = false;  // sizes, offsets and the directory in zip64's way
  uint16_t method = 0;
  std::string comment = {};
};

// A zip as torch.save writes it: sizes only in the directory, extra fields before the data.
inline std::string zip_of(const ZipRecords& records, const ZipOptions& options = {}) {
  std::string zip, directory;
  for (const auto& [name, data] : records) {
    const size_t at = zip.size();
    const std::string pad = "FB" + little(3, 2) + "ZZZ";
    zip += little(0x04034b50, 4) + little(0, 2) + little(8, 2) + little(options.method, 2) +
           little(0, 16) + little(name.size(), 2) + little(pad.size(), 2) + name + pad + data;
    const uint64_t size = options.is_64 ? 0xFFFFFFFF : data.size();
    const std::string extra = !options.is_64
                                  ? ""
                                  : little(1, 2) + little(24, 2) + little(data.size(), 8) +
                                        little(data.size(), 8) + little(at, 8);
    directory += little(0x02014b50, 4) + little(0, 4) + little(8, 2) + little(options.method, 2) +
                 little(0, 8) + little(size, 4) + little(size, 4) + little(name.size(), 2) +
                 little(extra.size(), 2) + little(0, 10) +
                 little(options.is_64 ? 0xFFFFFFFF : at, 4) + name + extra;
  }
  const size_t begin = zip.size();
  zip += directory;
  if (options.is_64) {
    const size_t at = zip.size();
    zip += little(0x06064b50, 4) + little(44, 8) + little(0, 12) + little(records.size(), 8) +
           little(records.size(), 8) + little(directory.size(), 8) + little(begin, 8);
    zip += little(0x07064b50, 4) + little(0, 4) + little(at, 8) + little(1, 4);
  }
  const bool is_64 = options.is_64;
  zip += little(0x06054b50, 4) + little(0, 4) + little(is_64 ? 0xFFFF : records.size(), 2) +
         little(is_64 ? 0xFFFF : records.size(), 2) +
         little(is_64 ? 0xFFFFFFFF : directory.size(), 4) + little(is_64 ? 0xFFFFFFFF : begin, 4) +
         little(options.comment.size(), 2) + options.comment;
  return zip;
}

// A whole .pth file with this value, and storage "0" of these floats.
inline std::string pth_of(const std::string& value, const std::vector<float>& floats,
                          ZipRecords more = {}, const ZipOptions& options = {}) {
  const std::string data(reinterpret_cast<const char*>(floats.data()), floats.size() * 4);
  more.insert(more.begin(), {{"x/data.pkl", pickle(value)}, {"x/data/0", data}});
  return zip_of(more, options);
}

}  // namespace fovea
