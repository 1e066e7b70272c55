// Matching names against the rules of families.
#include "fovea/model/names.h"

#include <algorithm>
#include <cctype>

namespace fovea {
namespace {

// Those first whose marks go before others': SigLIP's layers are CLIP's; BEiT's, VideoMAE's and
// AST's are ViT's.
constexpr const Family* kFamilies[] = {
    &kDinov3,   &kDinov2, &kBeit,  &kSiglip,           &kClip, &kOpenClip,    &kSam,
    &kVideoMae, &kAst,    &kMaeSt, &kVideoMaeOriginal, &kVit,  &kTorchvision, &kSwag,
    &kAudioMae, &kTimm};

// Put before every name by those who wrap a model in another.
constexpr std::string_view kWrappers[] = {"teacher.backbone.", "_orig_mod.", "module.", "model.",
                                          "backbone."};

constexpr std::string_view kSelfSupervised = "heads of self-supervised training";
// By how the name begins.
constexpr Kind kHarmlessBeginnings[] = {
    {"model_ema.", "averaged copies of weights (EMA)"},
    {"module_ema.", "averaged copies of weights (EMA)"},
    {"ema.", "averaged copies of weights (EMA)"},
    {"ema_model.", "averaged copies of weights (EMA)"},
    {"state_dict_ema.", "averaged copies of weights (EMA)"},
    {"n_averaged", "averaged copies of weights (EMA)"},
    {"student.", "a student's weights"},
    {"teacher.dino_head.", kSelfSupervised},
    {"teacher.ibot_head.", kSelfSupervised},
    {"dino_head.", kSelfSupervised},
    {"ibot_head.", kSelfSupervised},
    {"teacher.head.", kSelfSupervised},
    {"head.last_layer", kSelfSupervised},
    {"dino_loss.", kSelfSupervised},
    {"ibot_patch_loss.", kSelfSupervised},
    {"masked_embed", "tokens of masked pre-training"},
    {"decoder", "a decoder of masked pre-training"},
    {"lm_head.", "a decoder of masked pre-training"},
    {"mask_token", "tokens of masked pre-training"},
    {"embeddings.mask_token", "tokens of masked pre-training"},
    {"pooler.dense", "a pooler that no output here passes through"},
    {"embeddings.position_ids", "buffers"},
    {"logit_scale", "what scales the likeness of pictures and texts"},
    {"logit_bias", "what scales the likeness of pictures and texts"},
};
constexpr Kind kHarmlessEndings[] = {{"num_batches_tracked", "buffers"},
                                     {"relative_position_index", "buffers"},
                                     {"position_ids", "buffers"},
                                     {"rope_embed.periods", "buffers"}};

struct Captures {
  std::string_view layer;
  std::string_view branch;
  std::string_view rest;
};

// A number without leading zeros, small enough for any model; empty if there is none.
std::string_view leading_number(std::string_view text) {
  size_t length = 0;
  while (length < text.size() && std::isdigit(static_cast<unsigned char>(text[length])) != 0)
    ++length;
  const bool padded = length > 1 && text[0] == '0';
  return length > 4 || padded ? std::string_view() : text.substr(0, length);
}

std::optional<Captures> match(std::string_view pattern, std::string_view text) {
  Captures captures;
  while (!pattern.empty()) {
    if (pattern == "*") {
      captures.rest = text;
      return text.empty() ? std::nullopt : std::optional(captures);
    }
    if (pattern.starts_with("{")) {
      const std::string_view number = leading_number(text);
      if (number.empty() || (pattern[1] == 'k' && number == "0")) return std::nullopt;
      (pattern[1] == 'i' ? captures.layer : captures.branch) = number;
      text.remove_prefix(number.size());
      pattern.remove_prefix(3);
      continue;
    }
    if (text.empty() || text[0] != pattern[0]) return std::nullopt;
    text.remove_prefix(1);
    pattern.remove_prefix(1);
  }
  return text.empty() ? std::optional(captures) : std::nullopt;
}

std::string fill(std::string_view pattern, const Captures& captures) {
  std::string text;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '*') {
      text += captures.rest;
    } else if (pattern[i] == '{') {
      text += pattern[i + 1] == 'i' ? captures.layer : captures.branch;
      i += 2;
    } else {
      text += pattern[i];
    }
  }
  return text;
}

// Takes one wrapper off a name, whoever put it there.
bool unwrap_once(std::string_view& name) {
  const auto take = [&](std::span<const std::string_view> wrappers) {
    for (const std::string_view wrapper : wrappers) {
      if (!name.starts_with(wrapper)) continue;
      name.remove_prefix(wrapper.size());
      return true;
    }
    return false;
  };
  return take(kWrappers) ||
         std::any_of(std::begin(kFamilies), std::end(kFamilies),
                     [&](const Family* family) { return take(family->wrappers); });
}

std::string_view unwrap(std::string_view name) {
  while (unwrap_once(name)) {
  }
  return name;
}

// DINOv2's own files may number chunks of blocks before the blocks: blocks.1.7.norm1 is layer 7.
std::string without_chunk(std::string_view name) {
  constexpr std::string_view kBlocks = "blocks.";
  if (!name.starts_with(kBlocks)) return std::string(name);
  const std::string_view chunk = leading_number(name.substr(kBlocks.size()));
  const std::string_view rest = name.substr(kBlocks.size() + chunk.size());
  const bool chunked =
      !chunk.empty() && rest.starts_with(".") && !leading_number(rest.substr(1)).empty();
  return chunked ? std::string(kBlocks) + std::string(rest.substr(1)) : std::string(name);
}

// DINO's and iBOT's heads are layers by number, where the MLP of SigLIP's head has names for them.
bool is_dino_head(std::string_view name) {
  for (const std::string_view mlp : {"head.mlp.", "head.mlp2."}) {
    if (name.starts_with(mlp) && !leading_number(name.substr(mlp.size())).empty()) return true;
  }
  return false;
}

}  // namespace

std::span<const Family* const> families() { return kFamilies; }

std::optional<Canonical> canonical_name(std::string_view file_name) {
  if (harmless_kind(file_name)) return std::nullopt;
  const std::string_view unwrapped = unwrap(file_name);
  const std::string name = without_chunk(unwrapped);
  for (const Family* family : kFamilies) {
    for (const Rule& rule : family->rules) {
      const auto captures = match(rule.file, name);
      if (!captures) continue;
      const std::string_view wrapper = file_name.substr(0, file_name.size() - unwrapped.size());
      return Canonical{fill(rule.canonical, *captures), &rule, family, std::string(wrapper)};
    }
  }
  return std::nullopt;
}

std::optional<std::string> dialect_name(std::string_view canonical, std::string_view dialect) {
  for (const Family* family : kFamilies) {
    for (const Rule& rule : family->rules) {
      if (rule.dialect != dialect) continue;
      if (const auto captures = match(rule.canonical, canonical)) return fill(rule.file, *captures);
    }
  }
  return std::nullopt;
}

const Family& family_of(std::span<const std::string> file_names, const Traces& traces) {
  for (const Family* family : kFamilies) {
    const auto& types = family->model_types;
    if (std::find(types.begin(), types.end(), traces.model_type) != types.end()) return *family;
  }
  const auto holds = [&](std::string_view mark) {
    return std::any_of(file_names.begin(), file_names.end(), [&](const std::string& name) {
      return !harmless_kind(name) && name.find(mark) != std::string::npos;
    });
  };
  for (const Family* family : kFamilies) {
    if (std::any_of(family->marks.begin(), family->marks.end(), holds)) return *family;
    if (family->owns != nullptr && family->owns(traces)) return *family;
  }
  for (const Family* family : kFamilies) {
    const std::string_view name = family->architecture;
    const std::string_view said = traces.architecture;
    if (name.empty() || !said.starts_with(name)) continue;
    if (said.size() == name.size() || said[name.size()] == '_') return *family;
  }
  std::map<const Family*, int> counts;
  for (const std::string& name : file_names) {
    if (const auto canonical = canonical_name(name)) ++counts[canonical->family];
  }
  const auto most =
      std::max_element(counts.begin(), counts.end(),
                       [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == counts.end() ? kTimm : *most->first;
}

std::string timm_name(std::string_view canonical, int branches) {
  if (branches > 1 && canonical.starts_with("blocks.")) return std::string(canonical);
  for (const char* dialect : {"eva", "timm", "timm_scale", "timm_pool"}) {
    if (auto name = dialect_name(canonical, dialect)) return *std::move(name);
  }
  return std::string(canonical);
}

void Speller::learn(const Canonical& canonical) {
  ++habits_[{canonical.rule->dialect, canonical.wrapper}];
}

std::string Speller::spell(std::string_view canonical) const {
  std::string best(canonical);
  int most = 0;
  for (const auto& [habit, count] : habits_) {
    const auto& [dialect, wrapper] = habit;
    if (count <= most) continue;
    const auto name = dialect_name(canonical, dialect);
    if (!name) continue;
    best = wrapper + *name;
    most = count;
  }
  return best;
}

std::optional<std::string> harmless_kind(std::string_view file_name) {
  const std::string_view name = unwrap(file_name);
  if (is_dino_head(name)) return std::string(kSelfSupervised);
  const auto among = [&](std::span<const Kind> kinds) -> const Kind* {
    const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const Kind& kind) {
      return name.starts_with(kind.part) || file_name.starts_with(kind.part);
    });
    return found == kinds.end() ? nullptr : &*found;
  };
  if (const Kind* kind = among(kHarmlessBeginnings)) return std::string(kind->what);
  for (const Family* family : kFamilies) {
    if (const Kind* kind = among(family->harmless)) return std::string(kind->what);
  }
  for (const Kind& kind : kHarmlessEndings) {
    if (name.ends_with(kind.part)) return std::string(kind.what);
  }
  return std::nullopt;
}

}  // namespace fovea
