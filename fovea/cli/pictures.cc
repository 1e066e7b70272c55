#include "fovea/cli/pictures.h"

#include <algorithm>

#include "fovea/cli/commands.h"
#include "fovea/cli/progress.h"
#include "fovea/data/folder.h"
#include "fovea/data/loader.h"

namespace fovea::cli {

int run_pictures(const Model& model, const std::vector<std::string>& paths,
                 const MergeOptions& merge, int batch, const TakeResult& take) {
  const std::vector<std::filesystem::path> pictures = list_pictures({paths.begin(), paths.end()});
  // Decoding takes a fraction of the arithmetic: half as many threads keep ahead of it.
  PictureLoader loader(pictures, model.config().preprocessing, batch,
                       std::max(1, model.threads() / 2));
  Progress progress("pictures", pictures.size());
  size_t skipped = 0;
  while (const std::optional<PictureBatch> loaded = loader.next()) {
    for (const PictureBatch::Failure& failure : loaded->failures) {
      progress.clear();
      fmt::print(stderr, "fovea: skipped: {}\n", failure.message);
      ++skipped;
    }
    if (!loaded->indices.empty()) {
      const Result result = model.run(loaded->images, {.merge = merge, .want_tokens = false});
      for (size_t i = 0; i < loaded->indices.size(); ++i) {
        take(pictures[loaded->indices[i]], static_cast<int64_t>(i), result);
      }
    }
    progress.advance(loaded->indices.size() + loaded->failures.size());
  }
  progress.clear();
  if (skipped == pictures.size()) return kRefused;
  return skipped == 0 ? kDone : kSomeSkipped;
}

}  // namespace fovea::cli
