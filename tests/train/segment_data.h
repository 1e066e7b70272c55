// Pictures with masks that a small Segment Anything learns in seconds.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "fovea/data/batches.h"
#include "fovea/data/encoders.h"
#include "fovea/data/segmented.h"
#include "fovea/io/file.h"
#include "fovea/io/random.h"
#include "fovea/io/testing.h"
#include "fovea/train/batch_options.h"
#include "fovea/train/recipe.h"
#include "fovea/train/student.h"

namespace fovea {

// A bright block in a dark picture, at places that the number tells, and the map of both.
inline void write_segments(const std::filesystem::path& folder, int number) {
  constexpr int kSide = 64;
  Image picture{kSide, kSide, {}};
  Image map{kSide, kSide, {}};
  Random random({static_cast<uint64_t>(number)});
  const int64_t left = random.below(32);
  const int64_t top = random.below(32);
  const int64_t width = 16 + random.below(16);
  const int64_t height = 16 + random.below(16);
  for (int64_t y = 0; y < kSide; ++y) {
    for (int64_t x = 0; x < kSide; ++x) {
      const bool in = x >= left && x < left + width && y >= top && y < top + height;
      picture.rgb.insert(picture.rgb.end(), 3, in ? 220 : 30);
      map.rgb.insert(map.rgb.end(), 3, in ? 1 : 0);
    }
  }
  std::filesystem::create_directories(folder);
  write_file(folder / (std::to_string(number) + ".png"), encode_png(picture));
  write_file(folder / (std::to_string(number) + "-0.png"), encode_png(map));
}

// A recipe of a small model, for 16 such pictures under data/train, that writes to out.
inline Recipe segment_recipe(const std::filesystem::path& folder) {
  for (int i = 0; i < 16; ++i) write_segments(folder / "data" / "train", i);
  Recipe recipe;
  recipe.objective = "segment";
  recipe.data = (folder / "data").string();
  recipe.output = (folder / "out").string();
  recipe.width = 48;
  recipe.depth = 2;
  recipe.heads = 3;
  recipe.img_size = 64;
  recipe.patch_size = 8;
  recipe.window = 3;
  recipe.global_every = 2;
  recipe.neck = 32;
  recipe.masks_per_image = 2;
  recipe.corrections = 2;
  recipe.scale = {0.5, 1};
  recipe.batch_size = 8;
  recipe.lr = 0.003;
  recipe.warmup_epochs = 2;
  recipe.log_every = 10;
  recipe.amp = Amp::off;
  return recipe;
}

// The first batch that a run of the recipe would see.
inline Batch first_batch(const Recipe& recipe, const Student& student) {
  const auto pictures = open_segmented(recipe.data, recipe.train_split);
  TrainingBatches batches(*pictures, batch_options(recipe, student, Processes::alone()));
  batches.start(0, 0);
  Batch batch;
  if (!batches.next(batch)) ADD_FAILURE() << recipe.data << " has no batch";
  return batch;
}

}  // namespace fovea
