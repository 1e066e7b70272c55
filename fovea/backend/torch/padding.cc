#include "fovea/backend/torch/padding.h"

#include <algorithm>

namespace fovea {

torch::Tensor index_tensor(std::span<const int32_t> values, torch::Device device) {
  const torch::TensorOptions host(torch::kInt32);
  // from_blob takes no const pointer; it is only read from.
  return torch::from_blob(const_cast<int32_t*>(values.data()),
                          {static_cast<int64_t>(values.size())}, host)
      .to(device, torch::kInt64);
}

Padding::Padding(std::span<const int32_t> first, torch::Device device)
    : first_(first), device_(device) {
  for (size_t b = 0; b + 1 < first.size(); ++b) lengths_.push_back(first[b + 1] - first[b]);
  longest_ = *std::max_element(lengths_.begin(), lengths_.end());
  const auto [least, most] = std::minmax_element(lengths_.begin(), lengths_.end());
  if (*least == *most) return;
  std::vector<int32_t> source(lengths_.size() * longest_);
  std::vector<int32_t> place;
  for (size_t b = 0; b < lengths_.size(); ++b) {
    for (int32_t i = 0; i < lengths_[b]; ++i) {
      const auto at = static_cast<int32_t>(b * longest_) + i;
      source[at] = first[b] + i;
      place.push_back(at);
    }
  }
  source_ = index_tensor(source, device);
  place_ = index_tensor(place, device);
}

torch::Tensor Padding::pad(const torch::Tensor& rows) const {
  std::vector<int64_t> shape = rows.sizes().vec();
  shape[0] = longest_;
  shape.insert(shape.begin(), batch());
  return (is_even() ? rows : rows.index_select(0, source_)).reshape(shape);
}

torch::Tensor Padding::unpad(const torch::Tensor& block) const {
  const torch::Tensor flat = block.flatten(0, 1);
  return is_even() ? flat : flat.index_select(0, place_);
}

torch::Tensor Padding::from(std::span<const int32_t> begin) const {
  const torch::Tensor position = torch::arange(longest_, torch::TensorOptions(device_));
  const torch::Tensor lengths = index_tensor(lengths_, device_).unsqueeze(1);
  return (position >= index_tensor(begin, device_).unsqueeze(1)) & (position < lengths);
}

torch::Tensor Padding::within() const { return from(std::vector<int32_t>(lengths_.size())); }

}  // namespace fovea
