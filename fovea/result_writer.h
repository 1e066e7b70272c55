// Puts together the result of a run from those of its parts.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "fovea/backend/cpu/cpu.h"
#include "fovea/fovea.h"
#include "fovea/model/course.h"
#include "fovea/model/vit.h"

namespace fovea {

class ResultWriter {
 public:
  // images: [B, 3, H, W]. All that is given must outlive this.
  ResultWriter(const Architecture& architecture, const Array& images, const Course& course,
               bool want_tokens);

  // What was found of some images of the batch, from `first_image` on. Parts that share no image
  // may be written at the same time.
  void write(const Vit<Cpu>::Output& output, const Cpu& cpu, int64_t first_image);

  // Once all parts are written.
  Result finish();

 private:
  // Rows of one image each, of which it shows late how many they are.
  using Rows = std::vector<std::vector<float>>;
  struct Layer {
    Rows tokens, sizes, attention;
  };

  void write_embedding(const Tensor& x, int64_t first_image);
  void write_tokens(const Vit<Cpu>::Output& output, int64_t first_image);
  void write_layers(const Vit<Cpu>::Output& output, int64_t first_image);

  const Architecture& architecture_;
  bool want_tokens_;
  // Whether only a run shows how many tokens are left: where a threshold decides, or windows do.
  bool shows_late_;
  Result result_;
  std::map<int, Layer> layers_;  // those of the course
};

}  // namespace fovea
