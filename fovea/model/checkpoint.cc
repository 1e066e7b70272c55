#include "fovea/model/checkpoint.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "fovea/io/error.h"

namespace fovea {
namespace {

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
  const bool is_folder = std::filesystem::is_directory(path);
  return from(SafeTensors::open(is_folder ? path / "model.safetensors" : path));
}

Checkpoint Checkpoint::from(SafeTensors file) {
  Checkpoint checkpoint;
  checkpoint.file_ = std::move(file);
  std::map<Dialect, int> votes;
  for (const auto& [file_name, tensor] : checkpoint.file_.tensors()) {
    const std::optional<Canonical> canonical = canonical_name(file_name);
    if (!canonical) continue;
    const auto [entry, is_new] = checkpoint.file_names_.emplace(canonical->name, file_name);
    if (!is_new) {
      fail("{}: tensors {} and {} are both {}; expected one of them", checkpoint.file_name(),
           printable(entry->second), printable(file_name), canonical->name);
    }
    ++votes[canonical->dialect];
  }
  const auto most = std::max_element(
      votes.begin(), votes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most != votes.end()) checkpoint.dialect_ = most->first;
  return checkpoint;
}

std::string Checkpoint::spelling(const std::string& name) const {
  const auto found = file_names_.find(name);
  return found != file_names_.end() ? printable(found->second) : dialect_name(name, dialect_);
}

const TensorView& Checkpoint::tensor(const std::string& name) const {
  const auto found = file_names_.find(name);
  if (found == file_names_.end()) fail("{}: tensor {} is missing", file_name(), spelling(name));
  return file_.tensors().at(found->second);
}

const Shape& Checkpoint::shape(const std::string& name) const { return tensor(name).shape; }

Array Checkpoint::read(const std::string& name, const Shape& expected) const {
  const TensorView& found = tensor(name);
  Shape turned = found.shape;
  if (name == "pos_embed" && turned.size() == 3) std::swap(turned[0], turned[1]);
  if (found.shape != expected && turned != expected) {
    fail("{}: tensor {} is {}; expected {}", file_name(), spelling(name), to_string(found.shape),
         to_string(expected));
  }
  used_.insert(name);
  return {expected, to_floats(found, file_name())};
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
  for (const std::string& name : unknown) {
    if (const auto kind = unsupported_kind(name)) {
      fail("{}: tensor {} belongs to {}, which is not supported", file_name(), printable(name),
           *kind);
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

bool Checkpoint::has_qkv_bias() const {
  return std::any_of(file_names_.begin(), file_names_.end(), [](const auto& names) {
    return names.first.ends_with(".attn.qkv.bias") || names.first.ends_with(".attn.q.bias");
  });
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
