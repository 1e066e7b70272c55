#include "fovea/result_writer.h"

#include <algorithm>
#include <utility>

#include "fovea/backend/input.h"
#include "fovea/tokens/counts.h"

namespace fovea {
namespace {

// Each image's sources to the row of `rows` for it: row `first` for the first, then every
// `stride`-th.
void write_sources(const Sources& sources, int64_t first, int64_t stride, IntArray& rows) {
  const int64_t positions = rows.shape.back();
  for (size_t i = 0; i < sources.batch(); ++i) {
    const int64_t row = first + static_cast<int64_t>(i) * stride;
    std::copy(sources.of(i).begin(), sources.of(i).end(), rows.data.begin() + row * positions);
  }
}

// Cuts padding of `rows` [B, T, ...] to the first `longest` of T.
template <class Rows>
void cut_rows(Rows& rows, int64_t longest) {
  if (rows.shape[1] == longest) return;
  const int64_t size = elements(rows.shape) / (rows.shape[0] * rows.shape[1]);
  for (int64_t image = 1; image < rows.shape[0]; ++image) {
    std::copy_n(rows.data.begin() + image * rows.shape[1] * size, longest * size,
                rows.data.begin() + image * longest * size);
  }
  rows.shape[1] = longest;
  rows.data.resize(elements(rows.shape));
}

size_t longest_of(const std::vector<std::vector<float>>& images) {
  size_t longest = 0;
  for (const std::vector<float>& image : images) longest = std::max(longest, image.size());
  return longest;
}

// Images of [blocks, width, T] each, T its own, as [B, blocks, longest T, width]'s values: behind a
// shorter one of `blocks` stand zeros.
std::vector<float> pad(const std::vector<std::vector<float>>& images, int64_t blocks) {
  const auto each = static_cast<int64_t>(longest_of(images)) / blocks;
  std::vector<float> all(static_cast<int64_t>(images.size()) * blocks * each);
  for (size_t i = 0; i < images.size(); ++i) {
    const auto own = static_cast<int64_t>(images[i].size()) / blocks;
    for (int64_t block = 0; block < blocks; ++block) {
      std::copy_n(images[i].begin() + block * own, own,
                  all.begin() + (static_cast<int64_t>(i) * blocks + block) * each);
    }
  }
  return all;
}

// Of one image, rows [T, heads] as [heads, T].
std::vector<float> by_head(const Array& rows, int64_t begin, int64_t end) {
  const int64_t heads = rows.shape[1];
  std::vector<float> turned;
  for (int64_t head = 0; head < heads; ++head) {
    for (int64_t i = begin; i < end; ++i) turned.push_back(rows.data[i * heads + head]);
  }
  return turned;
}

}  // namespace

ResultWriter::ResultWriter(const Architecture& a, const Array& images, const Course& course,
                           bool want_tokens)
    : architecture_(a),
      want_tokens_(want_tokens),
      shows_late_(course.merge.options.threshold || a.window > 0) {
  const Shape& s = images.shape;
  result_.features = Array({s[0], a.features()});
  result_.logits = Array({s[0], a.classes > 0 ? a.classes : a.features()});
  result_.layer_tokens = IntArray({s[0], a.depth});
  const Grid grid = a.patches_of(input_of(images).grid);
  const int64_t positions = a.prefix() + grid.size();
  if (course.trace) result_.trace = IntArray({s[0], a.depth, positions});
  const std::vector<int> left =
      shows_late_
          ? std::vector<int>(a.depth, static_cast<int>(positions))
          : tokens_per_layer(course.merge, static_cast<int>(positions), a.protected_tokens());
  if (a.neck > 0) {
    result_.embedding = Array({s[0], a.neck, grid.rows, grid.columns});
  }
  if (a.routing) {
    for (const int layer : a.routing->predict_after) {
      const int64_t most =
          a.window > 0 ? positions : selected_tokens(a, course.keep_ratio, left[layer - 1]);
      IntArray& routes = result_.routes[layer] = IntArray({s[0], most});
      std::fill(routes.data.begin(), routes.data.end(), -1);
    }
  }
  for (const int layer : course.layers) {
    layers_[layer] = {Rows(s[0]), Rows(s[0]), {}};
    result_.layers[layer].source = IntArray({s[0], positions});
  }
  for (const int layer : course.attention_layers) layers_[layer].attention = Rows(s[0]);
  if (!want_tokens) return;
  result_.tokens = Array({s[0], left.back(), a.width});
  result_.sizes = Array({s[0], left.back()});
  result_.source = IntArray({s[0], positions});
}

void ResultWriter::write(const Vit<Cpu>::Output& output, const Cpu& cpu, int64_t first_image) {
  const auto write = [&](const Tensor& x, Array& to) {
    const int64_t per_image = elements(to.shape) / to.shape[0];
    cpu.read(x, to.data.data() + first_image * per_image);
  };
  write(output.features, result_.features);
  write(output.logits, result_.logits);
  if (architecture_.neck > 0) write_embedding(output.embedding, first_image);
  const auto depth = static_cast<int64_t>(output.trace.size());
  for (int64_t layer = 0; layer < depth; ++layer) {
    write_sources(output.trace[layer], first_image * depth + layer, depth, result_.trace);
  }
  auto route = output.routes.begin();
  for (auto& [layer, positions] : result_.routes) {
    for (int64_t i = 0; i < route->shape[0]; ++i) {
      std::copy_n(route->data.begin() + i * route->shape[1], route->shape[1],
                  positions.data.begin() + (first_image + i) * positions.shape[1]);
    }
    ++route;
  }
  std::copy(output.layer_tokens.data.begin(), output.layer_tokens.data.end(),
            result_.layer_tokens.data.begin() + first_image * result_.layer_tokens.shape[1]);
  write_layers(output, first_image);
  if (!want_tokens_) return;
  write_tokens(output, first_image);
  write_sources(output.reduction.sources(), first_image, 1, result_.source);
}

// Rows of channels as one plane a channel.
void ResultWriter::write_embedding(const Tensor& x, int64_t first_image) {
  for (int64_t i = 0; i < x.batch(); ++i) {
    float* to = result_.embedding.data.data() + (first_image + i) * x.channels() * x.tokens(i);
    for (int64_t p = 0; p < x.tokens(i); ++p) {
      const float* row = x.row(x.first(i) + p);
      for (int64_t c = 0; c < x.channels(); ++c) to[c * x.tokens(i) + p] = row[c];
    }
  }
}

// Tokens and sizes of images that may differ in their number of tokens.
void ResultWriter::write_tokens(const Vit<Cpu>::Output& output, int64_t first_image) {
  const Tensor& x = output.tokens;
  const int64_t most = result_.sizes.shape[1];
  for (int64_t i = 0; i < x.batch(); ++i) {
    const int64_t place = (first_image + i) * most;
    float* to = result_.tokens.data.data() + place * x.channels();
    for (int64_t row = x.first(i); row < x.first(i + 1); ++row) {
      to = std::copy_n(x.row(row), x.channels(), to);
    }
    std::copy_n(output.reduction.sizes().begin() + x.first(i), x.tokens(i),
                result_.sizes.data.begin() + place);
  }
}

void ResultWriter::write_layers(const Vit<Cpu>::Output& output, int64_t first_image) {
  for (const auto& [layer, kept] : output.layers) {
    Layer& to = layers_.at(layer);
    const int64_t channels = kept.tokens.shape[1];
    for (size_t i = 0; i + 1 < kept.first.size(); ++i) {
      const auto rows = kept.tokens.data.begin();
      to.tokens[first_image + i].assign(rows + kept.first[i] * channels,
                                        rows + kept.first[i + 1] * channels);
      to.sizes[first_image + i].assign(kept.sizes.begin() + kept.first[i],
                                       kept.sizes.begin() + kept.first[i + 1]);
    }
    write_sources(kept.sources, first_image, 1, result_.layers.at(layer).source);
  }
  for (const auto& [layer, seen] : output.reduction.attention()) {
    for (size_t i = 0; i + 1 < seen.first.size(); ++i) {
      layers_.at(layer).attention[first_image + i] =
          by_head(seen.rows, seen.first[i], seen.first[i + 1]);
    }
  }
}

Result ResultWriter::finish() {
  const auto batch = result_.layer_tokens.shape[0];
  if (shows_late_ && want_tokens_) {
    int32_t longest = 0;
    const size_t depth = architecture_.depth;
    for (size_t i = depth - 1; i < result_.layer_tokens.data.size(); i += depth) {
      longest = std::max(longest, result_.layer_tokens.data[i]);
    }
    cut_rows(result_.tokens, longest);
    cut_rows(result_.sizes, longest);
  }
  for (auto& [layer, positions] : result_.routes) {
    int64_t longest = 0;
    for (int64_t i = 0; i < static_cast<int64_t>(positions.data.size()); ++i) {
      if (positions.data[i] >= 0) longest = std::max(longest, i % positions.shape[1] + 1);
    }
    cut_rows(positions, longest);
  }
  for (const auto& [layer, rows] : layers_) {
    if (!rows.attention.empty()) {
      const int64_t heads = architecture_.block.heads * architecture_.block.branches;
      const auto longest = static_cast<int64_t>(longest_of(rows.attention)) / heads;
      Array attention({batch, heads, longest}, pad(rows.attention, heads));
      if (layer == architecture_.depth) result_.attention = attention;
      if (!rows.tokens.empty()) result_.layers[layer].attention = std::move(attention);
    }
    if (rows.tokens.empty()) continue;
    const auto longest = static_cast<int64_t>(longest_of(rows.sizes));
    LayerResult& to = result_.layers[layer];
    to.tokens = Array({batch, longest, architecture_.width}, pad(rows.tokens, 1));
    to.sizes = Array({batch, longest}, pad(rows.sizes, 1));
  }
  return std::move(result_);
}

}  // namespace fovea
