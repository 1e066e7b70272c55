// Finding tensors by canonical name, and what a file lacks or has too much.
#include "fovea/model/checkpoint.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "fovea/io/fail.h"
#include "fovea/model/delta.h"
#include "fovea/model/location.h"
#include "fovea/model/prefix.h"

namespace fovea {
namespace {

// What a file may keep apart: the parts of a tensor's rows, and how many of them each has.
struct Apart {
  std::string_view joint;  // part of the name
  struct Part {
    std::string_view name;
    int share;
  };
  std::array<Part, 3> parts;
};
constexpr std::string_view kGate = ".mlp.fc1_g.";
constexpr Apart kApart[] = {
    {".attn.qkv.", {{{".attn.q.", 1}, {".attn.k.", 1}, {".attn.v.", 1}}}},
    {".mlp.fc1.", {{{kGate, 1}, {".mlp.fc1_x.", 1}, {"", 0}}}},
    {"attn_pool.qkv.", {{{"attn_pool.q.", 1}, {"attn_pool.kv.", 2}, {"", 0}}}}};

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  return text.replace(text.find(from), from.size(), to);
}

// Without extents of 1.
Shape squeezed(Shape shape) {
  std::erase(shape, 1);
  return shape;
}

bool is_of_tokens(std::string_view name) {
  return name.ends_with("_token") || name.starts_with("pos_embed") || name == "attn_pool.latent";
}

// One more than the largest number that stands between `before` and a dot in any name.
template <typename Tensors>
int count_of(const Tensors& tensors, std::string_view before) {
  int count = 0;
  for (auto entry = tensors.lower_bound(std::string(before)); entry != tensors.end(); ++entry) {
    const std::string_view name = entry->first;
    if (!name.starts_with(before)) break;
    int number = 0;
    std::from_chars(name.data() + before.size(), name.data() + name.size(), number);
    count = std::max(count, number + 1);
  }
  return count;
}

// transformers' Segment Anything calls the middle one of three layers layers.0, which in its own
// files is the first: there that is proj_in.
void number_layers(TensorFile& file) {
  constexpr std::string_view kDecoder = "mask_decoder.";
  constexpr std::string_view kMiddle = ".layers.0.";
  bool has_names = false;
  std::vector<std::string> middle;
  for (const auto& [name, tensor] : file.tensors()) {
    if (name.find(kDecoder) == std::string::npos) continue;
    has_names = has_names || name.find(".proj_in.") != std::string::npos;
    const bool is_of_three = name.find("_mlps.") != std::string::npos ||
                             name.find("_prediction_head.") != std::string::npos;
    if (is_of_three && name.find(kMiddle) != std::string::npos) middle.push_back(name);
  }
  for (const std::string& name : middle) {
    if (has_names) file.rename(name, replaced(name, kMiddle, ".layers.1."));
  }
}

// "5 tensors of a kind", for notes.
std::string note(const std::string& kind, int count, const std::string& example) {
  return fmt::format("{} tensor{} not used: {} ({}{})", count, count == 1 ? "" : "s", kind,
                     printable(example), count == 1 ? "" : ", ...");
}

}  // namespace

Checkpoint Checkpoint::open(const std::filesystem::path& path, const std::string& key) {
  const ModelPath parts = split_delta(path);
  Checkpoint checkpoint = from(TensorFile::open(weights_of(parts.base), key));
  if (is_delta(checkpoint.file_)) {
    fail("{}: holds only what a training changed; expected MODEL+{}", checkpoint.file_name(),
         parts.base.filename().string());
  }
  if (parts.delta) checkpoint.overlay(TensorFile::open(*parts.delta));
  return checkpoint;
}

void Checkpoint::overlay(TensorFile delta) {
  if (!is_delta(delta)) {
    fail("{}: is a model of its own; expected a delta behind the +, as fine-tuning writes it",
         delta.file_name());
  }
  for (const auto& [name, changed] : delta.tensors()) check_place(changed, delta.file_name());
  check_base(delta, file_);
  for (const auto& [name, changed] : delta.tensors()) {
    forget_parts(name);
    tensors_.insert_or_assign(name, Stored{changed, true});
  }
  delta_ = std::move(delta);
}

// A delta's tensor takes the place of one of the same shape; a head may be of other classes, or
// new, and biases of queries, keys and values may be new.
void Checkpoint::check_place(const TensorView& changed, const std::string& delta_name) const {
  const std::string& name = changed.name;
  if (name == "head.weight" || name == "head.bias" || name.starts_with("head_dist.")) return;
  const std::vector<Part> places = parts(name, changed.shape.empty() ? 1 : changed.shape[0]);
  if (!has(places.back().name)) {
    if (name.ends_with(".attn.qkv.bias") && first_under(name.substr(0, name.size() - 9))) return;
    fail("{}: tensor {} has no place in {}; is this the delta of another model?", delta_name,
         printable(name), file_name());
  }
  Shape found = shape(places.back().name);
  if (places.size() > 1 && found[0] == places.back().rows) found[0] = changed.shape[0];
  const bool fits =
      found == changed.shape || (is_of_tokens(name) && squeezed(found) == squeezed(changed.shape));
  if (!fits) {
    fail("{}: tensor {} is {}, but {} in {}; is this the delta of another model?", delta_name,
         printable(name), to_string(changed.shape), to_string(found), file_name());
  }
}

// Where a joint tensor replaces those of queries, keys and values, these are not left over.
void Checkpoint::forget_parts(const std::string& name) {
  if (has(name)) return;
  for (const Part& part : parts(name, 1)) {
    tensors_.erase(part.name);
    used_.insert(part.name);
  }
}

Checkpoint Checkpoint::from(TensorFile file) {
  Checkpoint checkpoint;
  std::vector<std::string> names;
  for (const auto& [name, tensor] : file.tensors()) names.push_back(name);
  checkpoint.wrapper_ = wrapper_of(names);
  if (!checkpoint.wrapper_.empty()) file.take_off(checkpoint.wrapper_);
  number_layers(file);
  checkpoint.file_ = std::move(file);
  for (const auto& [file_name, tensor] : checkpoint.file_.tensors()) {
    const std::optional<Canonical> canonical = canonical_name(file_name);
    if (!canonical) continue;
    const auto [entry, is_new] = checkpoint.tensors_.emplace(
        canonical->name, Stored{tensor, false, canonical->rule->is_transposed});
    if (!is_new) {
      fail("{}: tensors {} and {} are both {}; expected one of them", checkpoint.file_name(),
           printable(entry->second.view.name), printable(tensor.name), printable(canonical->name));
    }
    checkpoint.speller_.learn(*canonical);
  }
  return checkpoint;
}

std::string Checkpoint::spelling(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found != tensors_.end() ? printable(found->second.view.name)
                                 : wrapper_ + speller_.spell(name);
}

const TensorView& Checkpoint::tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) fail("{}: tensor {} is missing", file_name(), spelling(name));
  return found->second.view;
}

const std::string& Checkpoint::file_of(const std::string& name) const {
  return tensors_.at(name).is_changed ? delta_->file_name() : file_.file_name();
}

Shape Checkpoint::shape(const std::string& name) const {
  Shape shape = tensor(name).shape;
  if (tensors_.at(name).is_transposed) std::reverse(shape.begin(), shape.end());
  return shape;
}

const TensorView& Checkpoint::tensor_of_shape(const std::string& name,
                                              const Shape& expected) const {
  if (!has(name)) {
    fail("{}: tensor {} is missing; expected {}", file_name(), spelling(name), to_string(expected));
  }
  const TensorView& found = tensor(name);
  const Shape shape = this->shape(name);
  const bool fits =
      shape == expected || (is_of_tokens(name) && squeezed(shape) == squeezed(expected));
  if (!fits) {
    fail("{}: tensor {} is {}; expected {}", file_of(name), spelling(name), to_string(found.shape),
         to_string(expected));
  }
  used_.insert(name);
  return found;
}

Array Checkpoint::read(const std::string& name, const Shape& expected) const {
  const TensorView& found = tensor_of_shape(name, expected);
  Array values(expected, to_floats(found, file_of(name)));
  if (!tensors_.at(name).is_transposed) return values;
  Array turned(expected);
  for (int64_t row = 0; row < expected[0]; ++row) {
    for (int64_t column = 0; column < expected[1]; ++column) {
      turned.data[row * expected[1] + column] = values.data[column * expected[0] + row];
    }
  }
  return turned;
}

std::vector<Checkpoint::Part> Checkpoint::parts(const std::string& name, int64_t rows) const {
  const auto* const apart =
      std::find_if(std::begin(kApart), std::end(kApart),
                   [&](const Apart& each) { return name.find(each.joint) != std::string::npos; });
  if (has(name) || apart == std::end(kApart)) return {{name, rows}};
  std::vector<Part> found;
  int64_t shares = 0;
  bool any = false;
  const std::string weight = name.substr(0, name.rfind('.')) + ".weight";
  const bool is_bias = name.ends_with(".bias");
  for (const Apart::Part& part : apart->parts) {
    if (part.share == 0) continue;
    // What has no gate has values alone.
    const bool is_optional = part.name == kGate;
    if (is_optional && !in_any_layer(weight) &&
        !in_any_layer(replaced(weight, apart->joint, kGate)))
      continue;
    const std::string its = replaced(name, apart->joint, part.name);
    // A bias that all layers lack is zero.
    const bool is_zero = is_bias && !in_any_layer(its);
    any = any || in_any_layer(its);
    shares += part.share;
    found.push_back({is_zero ? "" : its, part.share});
  }
  if (!any) return {{name, rows}};
  for (Part& part : found) part.rows = rows * part.rows / shares;
  return found;
}

bool Checkpoint::in_any_layer(const std::string& name) const {
  constexpr std::string_view kBlocks = "blocks.";
  if (has(name) || !name.starts_with(kBlocks)) return has(name);
  const std::string rest = name.substr(name.find('.', kBlocks.size()));
  for (int layer = depth() - 1; layer >= 0; --layer) {
    if (has(fmt::format("{}{}{}", kBlocks, layer, rest))) return true;
  }
  return false;
}

bool Checkpoint::has_any(const std::string& name) const {
  if (in_any_layer(name)) return true;
  return std::any_of(std::begin(kApart), std::end(kApart), [&](const Apart& each) {
    return name.find(each.joint) != std::string::npos &&
           std::any_of(each.parts.begin(), each.parts.end(), [&](const Apart::Part& part) {
             return part.share > 0 && in_any_layer(replaced(name, each.joint, part.name));
           });
  });
}

bool Checkpoint::has_qkv_bias() const {
  return std::any_of(tensors_.begin(), tensors_.end(), [](const auto& entry) {
    const std::string_view name = entry.first;
    return name.ends_with(".attn.qkv.bias") || name.ends_with(".attn.q.bias") ||
           name.ends_with(".attn.v.bias");
  });
}

void Checkpoint::expect(const std::string& name, const Shape& expected) const {
  if (name.ends_with(".attn.qkv.bias") && !has_qkv_bias()) return;
  for (const Part& part : parts(name, expected[0])) {
    Shape shape = expected;
    shape[0] = part.rows;
    if (!part.name.empty()) tensor_of_shape(part.name, shape);
  }
}

void Checkpoint::leave_out(const std::string& beginning) const {
  for (auto entry = tensors_.lower_bound(beginning);
       entry != tensors_.end() && entry->first.starts_with(beginning); ++entry) {
    used_.insert(entry->first);
  }
}

const Family& Checkpoint::family(std::string_view model_type, std::string_view architecture) const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : file_.tensors()) names.push_back(name);
  const std::string patch = "patch_embed.proj.weight";
  return family_of(names, {model_type, architecture, has(patch) ? shape(patch) : Shape(),
                           has("blocks.0.attns.0.attn.q.weight")});
}

std::vector<std::string> Checkpoint::check_all_used() const {
  std::vector<std::string> unknown;
  std::map<std::string, std::pair<int, std::string>> harmless;  // kind -> count, example
  for (const auto& [file_name, tensor] : file_.tensors()) {
    if (const auto kind = harmless_kind(file_name)) {
      auto& [count, example] = harmless.try_emplace(*kind, 0, file_name).first->second;
      ++count;
    } else if (const auto canonical = canonical_name(file_name);
               !canonical || !used_.contains(canonical->name)) {
      unknown.push_back(tensor.name);
    }
  }
  if (!unknown.empty()) {
    fail("{}: tensor {} is not known{}", file_name(), printable(unknown.front()),
         unknown.size() == 1 ? "" : fmt::format(", nor are {} more", unknown.size() - 1));
  }
  std::vector<std::string> notes = file_.notes();
  if (!wrapper_.empty()) {
    notes.push_back(fmt::format("the prefix {} before all names of {} is taken off",
                                printable(wrapper_), this->file_name()));
  }
  for (const auto& [kind, tensors] : harmless)
    notes.push_back(note(kind, tensors.first, tensors.second));
  return notes;
}

int Checkpoint::depth() const { return count_of(tensors_, "blocks."); }

int Checkpoint::branches() const {
  return std::max(count_of(tensors_, "blocks.0.attns."), count_of(tensors_, "blocks.0.ffns."));
}

std::optional<std::string> Checkpoint::first_under(const std::string& beginning) const {
  const auto found = tensors_.lower_bound(beginning);
  const bool fits = found != tensors_.end() && found->first.starts_with(beginning);
  return fits ? std::optional(found->first) : std::nullopt;
}

std::vector<std::string> Checkpoint::all_under(const std::string& beginning) const {
  std::vector<std::string> names;
  for (auto entry = tensors_.lower_bound(beginning);
       entry != tensors_.end() && entry->first.starts_with(beginning); ++entry) {
    names.push_back(entry->first);
  }
  return names;
}

int64_t Checkpoint::parameters() const {
  int64_t count = 0;
  for (const auto& [name, stored] : tensors_) {
    if (name.find(".running_") == std::string::npos) count += elements(stored.view.shape);
  }
  return count;
}

void Checkpoint::let_go() const {
  file_.let_go();
  if (delta_) delta_->let_go();
}

}  // namespace fovea
