// The safetensors format: 8 bytes of header length, a JSON header, then raw little-endian tensors.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "fovea/api.h"
#include "fovea/io/array.h"
#include "fovea/io/file.h"
#include "fovea/io/tensor_view.h"

namespace fovea {

class Replacement;

// A checked, memory-mapped safetensors file.
class FOVEA_API SafeTensors {
 public:
  // Checks header length, JSON, names, dtypes, shapes, offsets, overlaps, holes and sizes (all
  // against overflow) before any tensor can be touched. Throws Error that names the file and what
  // is wrong.
  static SafeTensors open(const std::filesystem::path& path);

  // The same from memory, for tests and fuzzing; `name` stands in messages. The bytes must outlive
  // it.
  static SafeTensors parse(std::span<const std::byte> bytes, const std::string& name);

  // By name, in the order of names.
  const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::string& file_name() const { return file_name_; }

 private:
  MappedFile file_;
  std::string file_name_;
  std::map<std::string, TensorView> tensors_;
  std::map<std::string, std::string> metadata_;
};

// One tensor to be written: from memory that outlives the call, or made when its turn comes.
struct TensorToWrite {
  std::string name;
  std::string dtype;
  Shape shape;
  std::span<const std::byte> bytes;
  std::function<std::vector<std::byte>()> make = {};  // instead of `bytes`, where it is set
};
FOVEA_API TensorToWrite to_write(std::string name, const Array& array);
FOVEA_API TensorToWrite to_write(std::string name, const IntArray& array);

// What a file begins with whose one tensor the caller writes after it: length and header. Throws
// Error naming `file` where that is longer than the format allows.
std::string safetensors_head(const TensorToWrite& described,
                             const std::map<std::string, std::string>& metadata,
                             const std::string& file);

// Writes a file with tensors aligned to their element size, ready to take its place.
Replacement prepare_safetensors(const std::filesystem::path& path,
                                const std::vector<TensorToWrite>& tensors,
                                const std::map<std::string, std::string>& metadata = {});
// The same at once.
FOVEA_API void write_safetensors(const std::filesystem::path& path,
                                 const std::vector<TensorToWrite>& tensors,
                                 const std::map<std::string, std::string>& metadata = {});

}  // namespace fovea
