#include "fovea/io/tensor_file.h"

#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <utility>

#include "fovea/io/fail.h"
#include "fovea/io/file_kind.h"
#include "fovea/io/json.h"
#include "fovea/io/pth.h"

namespace fovea {
namespace {

// Length, then the JSON's brace: nothing else begins so.
bool is_safetensors(std::span<const std::byte> bytes) {
  return bytes.size() > 8 && bytes[8] == std::byte{'{'};
}

// Where the shard is that an index names. Throws Error for what is not a plain name.
std::filesystem::path shard_path(const std::filesystem::path& index, const std::string& shard) {
  const bool plain = !shard.empty() &&
                     shard.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos &&
                     shard.find("..") == std::string::npos && shard != ".";
  if (!plain) {
    fail("{}: names the shard {}; expected a plain name of a file beside it", index.string(),
         printable(shard));
  }
  return index.parent_path() / shard;
}

// Tensor -> shard. All names of shards are checked before any is opened.
std::map<std::string, std::string> read_index(const MappedFile& file) {
  const std::string name = file.path().string();
  const std::span<const std::byte> bytes = file.bytes();
  const nlohmann::json index =
      parse_json_object({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, name);
  const auto map = index.find("weight_map");
  if (map == index.end() || !map->is_object()) {
    fail("{}: has no weight_map; expected the index of a model in shards, or its tensors", name);
  }
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, shard] : map->items()) {
    if (!shard.is_string()) {
      fail("{}: weight_map {} is {}; expected the name of a shard", name, printable(tensor),
           printable_json(shard));
    }
    shard_path(file.path(), shard.get<std::string>());
    shards.emplace(tensor, shard.get<std::string>());
  }
  if (shards.empty()) fail("{}: its weight_map is empty", name);
  return shards;
}

}  // namespace

TensorFile::TensorFile(const SafeTensors& file)
    : file_name_(file.file_name()), tensors_(file.tensors()), metadata_(file.metadata()) {}

TensorFile TensorFile::parse(std::span<const std::byte> bytes, const std::string& name,
                             const std::string& key) {
  if (!is_safetensors(bytes) && is_pth(bytes)) {
    PthFile pth = parse_pth(bytes, name, key);
    TensorFile file;
    file.file_name_ = name;
    file.tensors_ = std::move(pth.tensors);
    file.copies_ = std::move(pth.copies);
    if (pth.note) file.notes_.push_back(fmt::format("{}: {}", name, *pth.note));
    return file;
  }
  if (!is_safetensors(bytes)) {
    const std::string kind = kind_of_file(bytes);
    if (!kind.empty()) {
      fail("{}: is {}; expected safetensors or torch's .pth", name, kind);
    }
  }
  if (!key.empty()) {
    fail("{}: --key {}: only torch's .pth, .pt and .bin hold dicts in dicts; expected none", name,
         printable(key));
  }
  return TensorFile(SafeTensors::parse(bytes, name));
}

void TensorFile::let_go() const {
  for (const MappedFile& file : files_) file.let_go();
}

TensorFile TensorFile::open_index(const MappedFile& index) {
  const std::map<std::string, std::string> map = read_index(index);
  TensorFile whole;
  whole.file_name_ = index.path().string();
  std::map<std::string, TensorFile> shards;
  for (const auto& [_, shard] : map) {
    std::error_code ignored;  // opening it says why
    if (!shards.try_emplace(shard).second) continue;
    if (!std::filesystem::exists(shard_path(index.path(), shard), ignored))
      fail("{}: the shard {} is missing", whole.file_name_, printable(shard));
  }
  for (auto& [name, shard] : shards) {
    const MappedFile mapped = MappedFile::open(shard_path(index.path(), name));
    shard = parse(mapped.bytes(), mapped.path().string());  // no index again
    whole.files_.push_back(mapped);
    whole.copies_.insert(whole.copies_.end(), shard.copies_.begin(), shard.copies_.end());
  }
  for (const auto& [tensor, name] : map) {
    const TensorFile& shard = shards.at(name);
    const auto found = shard.tensors_.find(tensor);
    if (found == shard.tensors_.end()) {
      fail("{}: lacks the tensor {}, which should be there by {}", shard.file_name_,
           printable(tensor), whole.file_name_);
    }
    whole.tensors_.emplace(tensor, found->second);
  }
  return whole;
}

TensorFile TensorFile::open(const std::filesystem::path& path, const std::string& key) {
  const MappedFile mapped = MappedFile::open(path);
  if (mapped.bytes().front() == std::byte{'{'} && !is_safetensors(mapped.bytes())) {
    if (!key.empty())
      fail("{}: --key {}: a model in shards holds no dicts in dicts; expected none", path.string(),
           printable(key));
    return open_index(mapped);
  }
  TensorFile file = parse(mapped.bytes(), path.string(), key);
  file.files_.push_back(mapped);
  return file;
}

void TensorFile::take_off(const std::string& prefix) {
  std::map<std::string, TensorView> tensors;
  for (auto& [name, tensor] : tensors_) {
    tensors.emplace(name.starts_with(prefix) ? name.substr(prefix.size()) : name,
                    std::move(tensor));
  }
  tensors_ = std::move(tensors);
}

void TensorFile::rename(const std::string& name, const std::string& to) {
  auto node = tensors_.extract(name);
  node.key() = to;
  tensors_.insert(std::move(node));
}

}  // namespace fovea
