// Tensors by name, whatever file they are in: safetensors, torch's .pth, or shards with an index.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "fovea/api.h"
#include "fovea/io/file.h"
#include "fovea/io/safetensors.h"
#include "fovea/io/tensor_view.h"

namespace fovea {

// What is mapped stays mapped as long as it, or a copy of it, lives.
class FOVEA_API TensorFile {
 public:
  TensorFile() = default;
  explicit TensorFile(const SafeTensors& file);

  // Tells the format by the content; a file that is none of them is named as what it is. An index
  // (model.safetensors.index.json) opens its shards, which are plain names in its own folder.
  // `key`: the nested dict of a .pth file that is meant; see parse_pth. Throws Error naming the
  // file and what is wrong.
  static TensorFile open(const std::filesystem::path& path, const std::string& key = {});
  // One file from memory, for tests and fuzzing; the bytes must outlive it.
  static TensorFile parse(std::span<const std::byte> bytes, const std::string& name,
                          const std::string& key = {});

  // By name, in the order of names.
  const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::string& file_name() const { return file_name_; }
  // What is to be said of how it was read, a line each.
  const std::vector<std::string>& notes() const { return notes_; }

  // Gives back the memory of what was read of the files; see MappedFile::let_go.
  void let_go() const;

  // Takes `prefix` off the names of tensors() that begin with it; the views keep theirs. Expects
  // that no two names become one.
  void take_off(const std::string& prefix);
  // Gives one of tensors() another name, which none has; its view keeps its own.
  void rename(const std::string& name, const std::string& to);

 private:
  static TensorFile open_index(const MappedFile& index);

  std::string file_name_;
  std::map<std::string, TensorView> tensors_;
  std::map<std::string, std::string> metadata_;
  std::vector<std::string> notes_;
  std::vector<MappedFile> files_;
  std::vector<std::shared_ptr<const std::vector<std::byte>>> copies_;
};

}  // namespace fovea
