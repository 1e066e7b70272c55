// A model on the torch backend, run as Model::run does.
#pragma once

#include <algorithm>
#include <filesystem>
#include <vector>

#include "fovea/backend/torch/torch.h"
#include "fovea/fovea.h"
#include "fovea/model/checkpoint.h"
#include "fovea/model/vit.h"

namespace fovea {

struct TorchModel {
  Architecture architecture;
  Torch torch;
  Vit<Torch> vit;
  std::vector<Reader<Torch>> readers = {};  // where merging is foveal

  TorchModel(Architecture a, WeightSource& weights, torch::ScalarType dtype = torch::kFloat)
      : architecture(std::move(a)),
        torch(torch::kCPU, dtype),
        vit(Vit<Torch>::load(torch, weights, architecture)) {}

  // `path`: a folder.
  static TorchModel load(const std::filesystem::path& path,
                         torch::ScalarType dtype = torch::kFloat) {
    const Checkpoint checkpoint = Checkpoint::open(path);
    CheckpointWeights weights(checkpoint);
    return {infer_architecture(checkpoint, read_config(path)), weights, dtype};
  }

  // images: [B, 3, H, W]
  Vit<Torch>::Output forward(const Array& images, const MergeOptions& options = {}) {
    if (options.method == Method::foveal) readers = vit.readers(torch, options.foveal.channels);
    return vit.forward(torch, input_of(images), course_of(architecture, options), readers);
  }

  // Images must keep equal numbers of tokens.
  Result run(const Array& images, const MergeOptions& options = {}) {
    const torch::NoGradGuard no_grad;
    const Vit<Torch>::Output output = forward(images, options);
    const int64_t batch = images.shape[0];
    Result result;
    result.logits = torch.read(output.logits);
    result.features = torch.read(output.features);
    result.tokens = torch.read(output.tokens);
    result.tokens.shape = {batch, result.tokens.shape[0] / batch, architecture.width};
    if (architecture.neck > 0) result.embedding = torch.read(output.embedding);
    const std::span<const float> sizes = output.reduction.sizes();
    result.sizes = Array({batch, result.tokens.shape[1]}, {sizes.begin(), sizes.end()});
    for (size_t i = 0; i < output.routes.size(); ++i) {
      result.routes[architecture.routing->predict_after[i]] = output.routes[i];
    }
    for (int64_t i = 0; i < batch; ++i) {
      const std::vector<int32_t>& source = output.reduction.sources().of(i);
      result.source.shape = {batch, static_cast<int64_t>(source.size())};
      result.source.data.insert(result.source.data.end(), source.begin(), source.end());
    }
    return result;
  }
};

}  // namespace fovea
