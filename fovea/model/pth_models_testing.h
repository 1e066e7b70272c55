// Models as torch.save would write them, for tests: dicts of a golden's tensors in a .pth file.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "fovea/io/pth_testing.h"
#include "fovea/io/safetensors.h"
#include "fovea/io/testing.h"

namespace fovea {

// The tensors of a file as values of Python's, their storages as records of the zip.
class PthOf {
 public:
  using Dict = std::vector<std::pair<std::string, std::string>>;

  // The tensors of a safetensors file of F32, each under `rename` of its name.
  Dict tensors(const std::filesystem::path& path,
               const std::function<std::string(const std::string&)>& rename) {
    const SafeTensors file = SafeTensors::open(path);
    Dict dict;
    for (const auto& [name, tensor] : file.tensors()) {
      const std::string bytes(reinterpret_cast<const char*>(tensor.bytes.data()),
                              tensor.bytes.size());
      dict.emplace_back(rename(name), add(tensor.shape, bytes));
    }
    return dict;
  }

  // One of such values, of this shape.
  std::string values(const std::vector<int64_t>& shape, float value) {
    const std::vector<float> all(static_cast<size_t>(elements(shape)), value);
    return add(shape, {reinterpret_cast<const char*>(all.data()), all.size() * sizeof(float)});
  }

  void write(const std::filesystem::path& path, const std::string& value) const {
    ZipRecords records = records_;
    records.insert(records.begin(), {"x/data.pkl", pickle(value)});
    write_file(path, zip_of(records));
  }

 private:
  std::string add(const std::vector<int64_t>& shape, const std::string& bytes) {
    const std::string key = std::to_string(records_.size());
    records_.emplace_back("x/data/" + key, bytes);
    std::vector<int64_t> strides(shape.size(), 1);
    for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
    const auto count = static_cast<int64_t>(bytes.size() / sizeof(float));
    return py_tensor(py_storage(key, count), 0, shape, strides);
  }

  ZipRecords records_;
};

}  // namespace fovea
