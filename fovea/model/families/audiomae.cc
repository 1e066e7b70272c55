// AudioMAE (facebookresearch/AudioMAE): timm's names, one channel, time outermost.

#include "fovea/model/families/family.h"

namespace fovea {
namespace {

Traits traits(const Config& /*config*/) { return {.medium = Medium::sound}; }

// Where no config says what a model of one channel looks at.
bool owns(const Traces& traces) {
  return traces.model_type.empty() && traces.architecture.empty() && traces.patch.size() == 4 &&
         traces.patch[1] == 1;
}

}  // namespace

extern const Family kAudioMae = {"AudioMAE", {}, {}, {}, {}, {}, traits, "audiomae", owns};

}  // namespace fovea
