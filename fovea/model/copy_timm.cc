// A stored model under timm's names.
#include <string_view>
#include <utility>

#include "fovea/io/fail.h"
#include "fovea/model/copy.h"
#include "fovea/model/families/family.h"
#include "fovea/model/names.h"
#include "fovea/model/regroup.h"
#include "fovea/model/tensors.h"
#include "fovea/model/timm_spelling.h"

namespace fovea {
namespace {

// Where tensors come from, and what of them timm says otherwise.
class Source {
 public:
  // `checkpoint`: null for a model that no file has.
  Source(WeightSource& weights, const Checkpoint* checkpoint, const Architecture& a)
      : weights_(weights), checkpoint_(checkpoint) {
    if (checkpoint == nullptr || a.registers == 0 || !a.class_token || a.position_rows == 0) return;
    // Of registers and the class token, timm's models with registers have no row for any.
    folds_class_ = position_layout(a, a.patches_of(made_for(a))).prefix == 1;
  }

  bool has(const std::string& name) const {
    return checkpoint_ == nullptr || !name.ends_with(".attn.qkv.bias") ||
           checkpoint_->has_any(name);
  }

  // Whether keys have a bias, of a tensor for all biases of a layer.
  bool has_key_bias(const std::string& name) const {
    if (checkpoint_ == nullptr || !name.ends_with(".attn.qkv.bias")) return true;
    const auto parts = checkpoint_->parts(name, 3);
    return parts.size() != 3 || !parts[1].name.empty();
  }

  // The format that all of a tensor's parts have.
  Storage storage(const std::string& name) const {
    if (checkpoint_ == nullptr || (folds_class_ && name == "cls_token")) return Storage::f32;
    std::optional<std::string> dtype;
    for (const Checkpoint::Part& part : checkpoint_->parts(name, 1)) {
      if (part.name.empty()) continue;
      const std::string its = checkpoint_->dtype(part.name);
      if (dtype.value_or(its) != its) return Storage::f32;
      dtype = its;
    }
    return storage_of(dtype.value_or("F32"));
  }

  Shape shape(const std::string& name, Shape shape) const {
    if (folds_class_ && name == "pos_embed") --shape[1];
    return shape;
  }

  std::vector<float> read(const ListedTensor& tensor) const {
    const auto& [name, shape, start] = tensor;
    std::vector<float> values = weights_.read(name, shape, start).data;
    if (!folds_class_) return values;
    const int64_t width = shape.back();
    if (name == "pos_embed") values.erase(values.begin(), values.begin() + width);
    if (name != "cls_token") return values;
    const Shape positions = checkpoint_->shape("pos_embed");
    const std::vector<float> rows =
        weights_.read("pos_embed", {1, elements(positions) / width, width}).data;
    for (int64_t i = 0; i < width; ++i) values[i] += rows[i];
    return values;
  }

 private:
  WeightSource& weights_;
  const Checkpoint* checkpoint_;
  bool folds_class_ = false;  // its position is added to the class token
};

std::vector<TensorToWrite> spelled(const Source& source, const Architecture& from,
                                   const Architecture& to, int branches,
                                   std::optional<Storage> storage, const std::string& file) {
  std::vector<TensorToWrite> tensors;
  for_each_tensor(from, [&](const ListedTensor& listed) {
    const std::string& name = listed.name;
    if (!source.has(name)) return;
    const std::string place = branches > 1 ? regrouped_name(name, branches) : name;
    const Shape whole = source.shape(name, listed.shape);
    for (const TimmTensor& tensor : timm_tensors(place, whole, to, source.has_key_bias(name))) {
      const auto read = [&source, listed] { return source.read(listed); };
      tensors.push_back(stored_as(storage.value_or(source.storage(name)), tensor.name, tensor.shape,
                                  rows_of(tensor, whole, read), file));
    }
  });
  return tensors;
}

// timm's own tensors, as the file has them.
std::vector<TensorToWrite> timms_own(const StoredModel& model, std::optional<Storage> storage) {
  const TensorFile& file = model.checkpoint.file();
  const BlockShape& block = model.architecture.block;
  std::vector<TensorToWrite> tensors;
  for (const auto& [key, tensor] : file.tensors()) {
    const auto canonical = canonical_name(key);
    if (!canonical) continue;
    // Of two names that timm has for a tensor, the one that is there.
    const std::string_view dialect = canonical->rule->dialect;
    const bool is_evas = dialect == "eva" || (dialect == "deit" && block.knows_places());
    const std::string name = is_evas ? key.substr(canonical->wrapper.size())
                                     : timm_name(canonical->name, block.branches);
    tensors.push_back(stored_anew(tensor, name, storage, file.file_name()));
  }
  return tensors;
}

void write_with_config(const std::filesystem::path& folder,
                       const std::vector<TensorToWrite>& tensors, const Architecture& to,
                       const Config& config) {
  const bool is_known = !config.preprocessing.assumed;
  write_model(folder, tensors, {{"format", "pt"}}, timm_configs(to, config, is_known));
}

void write_spelled(const std::filesystem::path& folder, const Source& source,
                   const Architecture& from, const Config& config, int branches,
                   std::optional<Storage> storage, const std::string& file) {
  Architecture to = said_by_timm(from, file);
  if (branches > 1) to = regrouped(to, branches);
  write_with_config(folder, spelled(source, from, to, branches, storage, file), to, config);
}

}  // namespace

void copy_as_timm(const std::filesystem::path& folder, const StoredModel& model, int branches,
                  std::optional<Storage> storage) {
  const bool is_own =
      model.architecture.family == kTimm.name && model.checkpoint.delta() == nullptr;
  if (is_own && branches == 1) {
    return write_with_config(folder, timms_own(model, storage), model.architecture, model.config);
  }
  CheckpointWeights weights(model.checkpoint);
  const Source source(weights, &model.checkpoint, model.architecture);
  write_spelled(folder, source, model.architecture, model.config, branches, storage,
                model.checkpoint.file_name());
}

void write_random(const std::filesystem::path& folder, const Architecture& architecture,
                  int branches, std::optional<Storage> storage) {
  RandomWeights weights(0);
  const Source source(weights, nullptr, architecture);
  write_spelled(folder, source, architecture, {}, branches, storage, folder.string());
}

}  // namespace fovea
