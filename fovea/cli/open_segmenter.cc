#include "fovea/cli/open_segmenter.h"

#include "fovea/io/fail.h"

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

int square_side(const std::string& size, const Architecture& architecture) {
  if (size.empty()) return 0;
  const Grid input = input_size(size, architecture);
  if (input.rows != input.columns) {
    fail("--size {}: expected the side of a square", printable(size));
  }
  return input.rows;
}

}  // namespace fovea::cli
