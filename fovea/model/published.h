// What only the name of a published architecture tells: neither shapes nor, mostly, its config do.
#pragma once

#include <string_view>

namespace fovea {

struct Published {
  int heads = 0;                 // 0: as the width tells
  std::string_view unsupported;  // what of it we don't compute; empty where nothing
};

// `architecture`: timm's name, with or without the tag behind it (".webli").
Published published_as(std::string_view architecture);

}  // namespace fovea
