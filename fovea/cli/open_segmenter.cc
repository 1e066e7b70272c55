#include "fovea/cli/open_segmenter.h"

namespace fovea::cli {
namespace {

Segmenter load_segmenter(const std::string& model, const LoadOptions& options) {
  if (!is_named(model)) return Segmenter::load(model, options);
  named_model(model, options.heads, options.key);
  return Segmenter::random(model, 0, options);
}

}  // namespace

Segmenter open_segmenter(const std::string& model, const LoadOptions& options,
                         const RunOptions& run) {
  Segmenter opened = load_segmenter(model, options);
  check_opened(model, opened.encoder(), run);
  return opened;
}

}  // namespace fovea::cli
