#include "fovea/model/timm_spelling.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "fovea/io/fail.h"
#include "fovea/model/families/family.h"
#include "fovea/model/names.h"

namespace fovea {
namespace {

bool is_timms(const Architecture& a) { return a.family.empty() || a.family == kTimm.name; }

// What timm calls models of a width, by its published ones.
std::string size_of(const Architecture& a) {
  constexpr std::pair<int, const char*> kSizes[] = {
      {192, "tiny"},  {384, "small"},  {768, "base"},   {1024, "large"},    {1152, "so400m"},
      {1280, "huge"}, {1408, "giant"}, {1536, "giant"}, {1664, "gigantic"}, {4096, "7b"}};
  const auto* const size =
      std::ranges::find(kSizes, a.width, [](const auto& pair) { return pair.first; });
  return size == std::end(kSizes) ? "base" : size->second;
}

// Whose names it gets, which are timm's and say what it is.
const Family& medium_family(const Architecture& a) {
  if (a.medium == Medium::sound) return a.frequency_first ? kAst : kAudioMae;
  return a.family == kMaeSt.name ? kMaeSt : kVideoMaeOriginal;
}

bool is_dinov3(const Architecture& a) {
  return a.block.rotation && a.block.rotation->kind == RotationKind::dinov3;
}

// "vit_base_patch16_clip_quickgelu_224": one whose line in timm's table says as much.
std::string timms_name(const Architecture& a) {
  const std::string patch = fmt::format("patch{}", a.patch.rows);
  const std::string vit = fmt::format("vit_{}_{}", size_of(a), patch);
  const int side = made_for(a).rows;
  if (is_dinov3(a)) return vit + "_dinov3";
  if (a.block.bias_rows > 0) return fmt::format("beit_{}_{}_{}", size_of(a), patch, side);
  if (a.attention_pool) return fmt::format("{}_siglip_{}", vit, side);
  if (a.pre_norm) {
    const bool quick = a.block.activation == Activation::quick_gelu;
    return fmt::format("{}_clip_{}{}", vit, quick ? "quickgelu_" : "", side);
  }
  if (a.distillation_token) return fmt::format("deit_{}_distilled_{}_{}", size_of(a), patch, side);
  if (a.family == kDinov2.name)
    return a.registers > 0 ? fmt::format("{}_reg{}_dinov2", vit, a.registers) : vit + "_dinov2";
  return fmt::format("{}_{}", vit, side);
}

[[noreturn]] void refuse(const std::string& where, const std::string& what) {
  fail("{}: the model has {}, which timm's names can't say; expected a model without", where, what);
}

bool is_same(const std::optional<Rotation>& a, const std::optional<Rotation>& b) {
  if (!a || !b) return !a && !b;
  return a->kind == b->kind && a->theta == b->theta && a->x_first == b->x_first &&
         a->offset == b->offset && a->reference == b->reference;
}

// Whether the name gives back what it stands for.
void check_told(const Architecture& a, const std::string& where) {
  Config config;
  config.architecture = a.name;
  const Traits told = kTimm.traits(config);
  const bool is_mixed = a.block.rotation && a.block.rotation->kind == RotationKind::mixed;
  if (!is_mixed && !is_same(a.block.rotation, told.rotation))
    refuse(where, "rotary positions of its own");
  if (a.attention_pool &&
      a.attention_pool->activation != told.pool_activation.value_or(a.block.activation)) {
    refuse(where,
           fmt::format("{} in its attention pooling", to_string(a.attention_pool->activation)));
  }
}

std::vector<TimmTensor> in_parts(const std::vector<std::pair<std::string, int>>& parts,
                                 const Shape& shape) {
  int shares = 0;
  for (const auto& [name, share] : parts) shares += share;
  std::vector<TimmTensor> tensors;
  int64_t first = 0;
  for (const auto& [name, share] : parts) {
    Shape its = shape;
    its[0] = shape[0] / std::max(1, shares) * share;
    if (!name.empty()) tensors.push_back({name, its, first});
    first += its[0];
  }
  return tensors;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  return text.replace(text.find(from), from.size(), to);
}

}  // namespace

Architecture said_by_timm(const Architecture& architecture, const std::string& where) {
  if (is_timms(architecture)) return architecture;
  Architecture a = architecture;
  if (architecture.medium != Medium::picture) {
    a.name = medium_family(architecture).architecture;
    a.family = medium_family(architecture).name;
    return a;
  }
  if (a.projection > 0 && a.classes > 0) refuse(where, "a head behind a projection of features");
  if (a.projection > 0) a.classes = std::exchange(a.projection, 0);
  a.name = timms_name(a);
  a.family = kTimm.name;
  a.resizes_bias = false;
  check_told(a, where);
  return a;
}

std::vector<TimmTensor> timm_tensors(const std::string& name, const Shape& shape,
                                     const Architecture& a, bool has_key_bias) {
  const std::string timms = timm_name(name, a.block.branches);
  if (name == "projection.weight") {
    return {{"head.weight", shape}, {"head.bias", {shape[0]}, 0, true}};
  }
  if (name.starts_with("attn_pool.qkv."))
    return in_parts({{replaced(name, "qkv", "q"), 1}, {replaced(name, "qkv", "kv"), 2}}, shape);
  const bool is_bias = name.ends_with(".attn.qkv.bias");
  if (is_bias && !has_key_bias && a.block.branches == 1) {
    return in_parts({{replaced(timms, "qkv.bias", "q_bias"), 1},
                     {"", 1},
                     {replaced(timms, "qkv.bias", "v_bias"), 1}},
                    shape);
  }
  // eva.py keeps gates apart and calls LayerScale as BEiT does.
  if (a.block.branches == 1 && is_dinov3(a) && a.block.gated &&
      name.find(".mlp.fc1.") != std::string::npos)
    return in_parts({{replaced(timms, "fc1", "fc1_g"), 1}, {replaced(timms, "fc1", "fc1_x"), 1}},
                    shape);
  if (a.block.knows_places() && a.block.branches == 1) {
    for (const char* ls : {"1", "2"}) {
      const std::string scale = fmt::format("ls{}.gamma", ls);
      if (timms.ends_with(scale))
        return {{replaced(timms, scale, fmt::format("gamma_{}", ls)), shape}};
    }
  }
  return {{timms, shape}};
}

std::function<std::vector<float>()> rows_of(const TimmTensor& tensor, const Shape& whole,
                                            std::function<std::vector<float>()> read) {
  const int64_t count = elements(tensor.shape);
  if (tensor.is_zero) return [count] { return std::vector<float>(count); };
  if (tensor.shape == whole) return read;
  const int64_t begin = tensor.first * (elements(whole) / whole[0]);
  return [begin, count, read = std::move(read)] {
    const std::vector<float> values = read();
    return std::vector<float>(values.begin() + begin, values.begin() + begin + count);
  };
}

}  // namespace fovea
