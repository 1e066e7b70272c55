#include "fovea/model/published.h"

#include <algorithm>
#include <iterator>

namespace fovea {
namespace {

// What of an architecture's name an entry gives: all, the beginning, or any part.
enum class Part { whole, start, any };

struct Entry {
  std::string_view text;
  Part part;
  Published published;
};

constexpr std::string_view kTanh = "the tanh form of GELU";
constexpr std::string_view kScaling = "a parallel scaling block";

constexpr Entry kTable[] = {
    {"vit_base_patch16_gap_224", Part::whole, {16, {}}},
    {"test_vit", Part::whole, {2, {}}},
    {"test_vit2", Part::whole, {2, {}}},
    {"test_vit3", Part::whole, {3, {}}},
    {"eva", Part::start, {0, "eva"}},
    {"quickgelu", Part::any, {0, "quickgelu"}},
    {"rope", Part::any, {0, "rope"}},
    {"swiglu", Part::any, {0, "swiglu"}},
    {"_rpn_", Part::any, {0, "a norm behind attention and MLP (rpn)"}},
    {"_xp_", Part::any, {0, kScaling}},
    {"vit_pwee_", Part::start, {0, kScaling}},
    {"vit_dpwee_", Part::start, {0, kScaling}},
    {"aimv2_", Part::start, {0, "aimv2"}},
    {"beit", Part::start, {0, "beit"}},
    // Of SigLIP's models those that were trained anew for version 2; the others have the erf form.
    {"vit_giantopt_", Part::start, {16, kTanh}},
    {"vit_base_patch32_siglip_256", Part::whole, {0, kTanh}},
    {"vit_base_patch32_siglip_gap_256", Part::whole, {0, kTanh}},
    {"vit_large_patch16_siglip_512", Part::whole, {0, kTanh}},
    {"vit_large_patch16_siglip_gap_512", Part::whole, {0, kTanh}},
    {"vit_so400m_patch16_siglip_", Part::start, {16, kTanh}},
};

bool is_in(const Entry& entry, std::string_view name) {
  switch (entry.part) {
    case Part::whole:
      return name == entry.text;
    case Part::start:
      return name.starts_with(entry.text);
    case Part::any:
      break;
  }
  return name.find(entry.text) != std::string_view::npos;
}

}  // namespace

Published published_as(std::string_view architecture) {
  const std::string_view name = architecture.substr(0, architecture.find('.'));
  const auto* const entry =
      std::find_if(std::begin(kTable), std::end(kTable),
                   [&](const Entry& candidate) { return is_in(candidate, name); });
  return entry == std::end(kTable) ? Published{} : entry->published;
}

}  // namespace fovea
