// Finding tensors by canonical name, and what a file lacks or has too much.
#include "fovea/model/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "fovea/io/fail.h"
#include "fovea/model/delta.h"
#include "fovea/model/location.h"
#include "fovea/model/prefix.h"

namespace fovea {
namespace {

constexpr std::string_view kQkv = ".attn.qkv.";

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
  const std::vector<std::string> names = parts(name);
  if (!has(names.front())) {
    if (name.ends_with(".attn.qkv.bias") && first_under(name.substr(0, name.size() - 9))) return;
    fail("{}: tensor {} has no place in {}; is this the delta of another model?", delta_name,
         printable(name), file_name());
  }
  Shape found = shape(names.front());
  if (name == "pos_embed" && found.size() == 3 && found[1] == 1) std::swap(found[0], found[1]);
  if (!found.empty()) found[0] *= static_cast<int64_t>(names.size());
  if (found != changed.shape) {
    fail("{}: tensor {} is {}, but {} in {}; is this the delta of another model?", delta_name,
         printable(name), to_string(changed.shape), to_string(found), file_name());
  }
}

// Where a joint tensor replaces those of queries, keys and values, these are not left over.
void Checkpoint::forget_parts(const std::string& name) {
  if (has(name)) return;
  for (const std::string& part : parts(name)) {
    tensors_.erase(part);
    used_.insert(part);
  }
}

Checkpoint Checkpoint::from(TensorFile file) {
  Checkpoint checkpoint;
  std::vector<std::string> names;
  for (const auto& [name, tensor] : file.tensors()) names.push_back(name);
  checkpoint.wrapper_ = wrapper_of(names);
  if (!checkpoint.wrapper_.empty()) file.take_off(checkpoint.wrapper_);
  checkpoint.file_ = std::move(file);
  for (const auto& [file_name, tensor] : checkpoint.file_.tensors()) {
    const std::optional<Canonical> canonical = canonical_name(file_name);
    if (!canonical) continue;
    const auto [entry, is_new] =
        checkpoint.tensors_.emplace(canonical->name, Stored{tensor, false});
    if (!is_new) {
      fail("{}: tensors {} and {} are both {}; expected one of them", checkpoint.file_name(),
           printable(entry->second.view.name), printable(tensor.name), printable(canonical->name));
    }
    checkpoint.speller_.learn(*canonical);
    if (canonical->name.ends_with(".attn.q.weight")) checkpoint.separate_qkv_ = true;
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

const Shape& Checkpoint::shape(const std::string& name) const { return tensor(name).shape; }

const TensorView& Checkpoint::tensor_of_shape(const std::string& name,
                                              const Shape& expected) const {
  if (!has(name)) {
    fail("{}: tensor {} is missing; expected {}", file_name(), spelling(name), to_string(expected));
  }
  const TensorView& found = tensor(name);
  Shape turned = found.shape;
  if (name == "pos_embed" && turned.size() == 3) std::swap(turned[0], turned[1]);
  if (found.shape != expected && turned != expected) {
    fail("{}: tensor {} is {}; expected {}", file_of(name), spelling(name), to_string(found.shape),
         to_string(expected));
  }
  used_.insert(name);
  return found;
}

Array Checkpoint::read(const std::string& name, const Shape& expected) const {
  const TensorView& found = tensor_of_shape(name, expected);
  return {expected, to_floats(found, file_of(name))};
}

std::vector<std::string> Checkpoint::parts(const std::string& name) const {
  const size_t at = name.find(kQkv);
  if (at == std::string::npos || has(name) || !separate_qkv_) return {name};
  std::vector<std::string> names;
  for (const char* part : {"q", "k", "v"})
    names.push_back(std::string(name).replace(at + kQkv.size() - 4, 3, part));
  return names;
}

bool Checkpoint::has_qkv_bias() const {
  return std::any_of(tensors_.begin(), tensors_.end(), [](const auto& entry) {
    const std::string_view name = entry.first;
    return name.ends_with(".attn.qkv.bias") || name.ends_with(".attn.q.bias") ||
           name.ends_with(".attn.v.bias");
  });
}

void Checkpoint::expect(const std::string& name, const Shape& expected) const {
  const std::vector<std::string> names = parts(name);
  const bool optional = name.ends_with(".attn.qkv.bias") && !has_qkv_bias();
  if (optional && std::none_of(names.begin(), names.end(), [&](const auto& n) { return has(n); }))
    return;
  Shape part = expected;
  part[0] /= static_cast<int64_t>(names.size());
  for (const std::string& each : names) tensor_of_shape(each, part);
}

void Checkpoint::check_supported() const {
  for (const auto& [name, tensor] : file_.tensors()) {
    if (harmless_kind(name)) continue;
    if (const auto kind = unsupported_kind(name)) {
      fail("{}: tensor {} belongs to {}, which is not supported", file_name(),
           printable(tensor.name), *kind);
    }
  }
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

int64_t Checkpoint::parameters() const {
  int64_t count = 0;
  for (const auto& [name, stored] : tensors_) {
    if (name.find(".running_") == std::string::npos) count += elements(stored.view.shape);
  }
  return count;
}

}  // namespace fovea
