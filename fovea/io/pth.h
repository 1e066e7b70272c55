// torch's .pth, .pt and .bin files, the zip and the older format: their tensors, read without
// running anything of what they hold.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "fovea/io/tensor_view.h"

namespace fovea {

struct PthFile {
  std::map<std::string, TensorView> tensors;  // by name, views of the file where they lie in rows
  std::vector<std::shared_ptr<const std::vector<std::byte>>> copies;  // of the others
  // Where a dict was chosen of several that could have been meant: which, in a line.
  std::optional<std::string> note;
};

// Whether bytes begin as a file of torch.save's does, in either format.
bool is_pth(std::span<const std::byte> bytes);

// `bytes` must outlive the views; `name` stands in messages. `key`: the nested dict to read,
// "model" or "a.b"; empty: the file itself where its values are tensors, else the first of
// state_dict_ema, model_ema, state_dict, model, teacher, module and net that leads to one, at most
// 4 deep. Throws Error for whatever is not tensors and plain data, naming it, and for tensors that
// don't lie inside their storages; takes memory in proportion to the file.
PthFile parse_pth(std::span<const std::byte> bytes, const std::string& name,
                  const std::string& key = {});

}  // namespace fovea
