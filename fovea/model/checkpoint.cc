// Finding tensors by canonical name, and what a file lacks or has too much.
#include "fovea/model/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <system_error>
#include <utility>

#include "fovea/io/error.h"

namespace fovea {
namespace {

constexpr std::string_view kQkv = ".attn.qkv.";

// One more than the largest number that stands between `before` and a dot in any name.
int count_of(const std::map<std::string, std::string>& names, std::string_view before) {
  int count = 0;
  for (auto entry = names.lower_bound(std::string(before)); entry != names.end(); ++entry) {
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

Checkpoint Checkpoint::open(const std::filesystem::path& path) {
  std::error_code ignored;  // the file says itself why it can't be opened
  const bool is_folder = std::filesystem::is_directory(path, ignored);
  return from(SafeTensors::open(is_folder ? path / "model.safetensors" : path));
}

Checkpoint Checkpoint::from(SafeTensors file) {
  Checkpoint checkpoint;
  checkpoint.file_ = std::move(file);
  for (const auto& [file_name, tensor] : checkpoint.file_.tensors()) {
    const std::optional<Canonical> canonical = canonical_name(file_name);
    if (!canonical) continue;
    const auto [entry, is_new] = checkpoint.file_names_.emplace(canonical->name, file_name);
    if (!is_new) {
      fail("{}: tensors {} and {} are both {}; expected one of them", checkpoint.file_name(),
           printable(entry->second), printable(file_name), printable(canonical->name));
    }
    checkpoint.speller_.learn(*canonical);
    if (canonical->name.ends_with(".attn.q.weight")) checkpoint.separate_qkv_ = true;
  }
  return checkpoint;
}

std::string Checkpoint::spelling(const std::string& name) const {
  const auto found = file_names_.find(name);
  return found != file_names_.end() ? printable(found->second) : speller_.spell(name);
}

const TensorView& Checkpoint::tensor(const std::string& name) const {
  const auto found = file_names_.find(name);
  if (found == file_names_.end()) fail("{}: tensor {} is missing", file_name(), spelling(name));
  return file_.tensors().at(found->second);
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
    fail("{}: tensor {} is {}; expected {}", file_name(), spelling(name), to_string(found.shape),
         to_string(expected));
  }
  used_.insert(name);
  return found;
}

Array Checkpoint::read(const std::string& name, const Shape& expected) const {
  return {expected, to_floats(tensor_of_shape(name, expected), file_name())};
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
  return std::any_of(file_names_.begin(), file_names_.end(), [](const auto& names) {
    const std::string_view name = names.first;
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
      fail("{}: tensor {} belongs to {}, which is not supported", file_name(), printable(name),
           *kind);
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
      unknown.push_back(file_name);
    }
  }
  if (!unknown.empty()) {
    fail("{}: tensor {} is not known{}", file_name(), printable(unknown.front()),
         unknown.size() == 1 ? "" : fmt::format(", nor are {} more", unknown.size() - 1));
  }
  std::vector<std::string> notes;
  for (const auto& [kind, tensors] : harmless)
    notes.push_back(note(kind, tensors.first, tensors.second));
  return notes;
}

int Checkpoint::depth() const { return count_of(file_names_, "blocks."); }

int Checkpoint::branches() const {
  return std::max(count_of(file_names_, "blocks.0.attns."),
                  count_of(file_names_, "blocks.0.ffns."));
}

std::optional<std::string> Checkpoint::first_under(const std::string& beginning) const {
  const auto found = file_names_.lower_bound(beginning);
  const bool fits = found != file_names_.end() && found->first.starts_with(beginning);
  return fits ? std::optional(found->first) : std::nullopt;
}

int64_t Checkpoint::parameters() const {
  int64_t count = 0;
  for (const auto& [name, file_name] : file_names_) {
    if (name.find(".running_") == std::string::npos)
      count += elements(file_.tensors().at(file_name).shape);
  }
  return count;
}

}  // namespace fovea
