#include "fovea/train/state_file.h"

#include <charconv>

#include "fovea/io/fail.h"
#include "fovea/io/safetensors.h"

namespace fovea {
namespace {

// What read_state reads, as the file's metadata.
std::map<std::string, std::string> to_metadata(const Progressed& p) {
  return {{"format", "fovea-training"},
          {"step", fmt::format("{}", p.step)},
          {"seconds", fmt::format("{}", p.seconds)},
          {"dtype", p.dtype}};
}

template <typename T>
void take(const SafeTensors& file, const std::string& key, T& value) {
  const auto found = file.metadata().find(key);
  const std::string text = found == file.metadata().end() ? "" : found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < T{0}) {
    fail("{}: metadata {} is '{}'; expected a number: it is no checkpoint of a training run",
         file.file_name(), key, printable(text));
  }
}

}  // namespace

void write_state(const std::filesystem::path& path, const std::vector<TorchParameter>& tensors,
                 const Progressed& progressed) {
  const std::vector<Weight> copies = host_copies(tensors);
  std::vector<TensorToWrite> to_be_written;
  for (const Weight& copy : copies) to_be_written.push_back(to_write(copy.name, copy.values));
  write_safetensors(path, to_be_written, to_metadata(progressed));
}

Progressed read_state(const std::filesystem::path& path,
                      const std::vector<TorchParameter>& tensors) {
  const SafeTensors file = SafeTensors::open(path);
  Progressed progressed;
  take(file, "step", progressed.step);
  take(file, "seconds", progressed.seconds);
  const auto dtype = file.metadata().find("dtype");
  if (dtype != file.metadata().end()) progressed.dtype = dtype->second;
  const torch::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors) {
    const auto found = file.tensors().find(name);
    const Shape wanted = tensor.sizes().vec();
    if (found == file.tensors().end() || found->second.shape != wanted) {
      fail("{}: tensor {} is {}; expected {}: the checkpoint is of another model or recipe",
           path.string(), name,
           found == file.tensors().end() ? "missing" : to_string(found->second.shape),
           to_string(wanted));
    }
    std::vector<float> values = to_floats(found->second, path.string());
    torch::Tensor handle = tensor;
    handle.copy_(torch::from_blob(values.data(), wanted, torch::kFloat));
  }
  if (file.tensors().size() != tensors.size()) {
    fail("{}: has {} tensors; expected {}: the checkpoint is of another model or recipe",
         path.string(), file.tensors().size(), tensors.size());
  }
  return progressed;
}

}  // namespace fovea
