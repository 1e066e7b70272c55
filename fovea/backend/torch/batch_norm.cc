#include "fovea/backend/torch/batch_norm.h"

#include <ATen/core/ivalue.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include <vector>

namespace fovea {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// For libtorch to keep until the backward pass.
struct KeptReducer : torch::CustomClassHolder {
  explicit KeptReducer(const Reducer& given) : reduce(given) {}
  Reducer reduce;
};

torch::Tensor reduced(const torch::Tensor& x, const Reducer& reduce) {
  const torch::Tensor sums =
      x.to(torch::kCPU, torch::kDouble, /*non_blocking=*/false, /*copy=*/true).contiguous();
  reduce({sums.data_ptr<double>(), static_cast<size_t>(sums.numel())});
  return sums.to(x.device());
}

// A sum over the processes. All their losses depend on it: its gradient is the sum of theirs.
struct SumOverProcesses : torch::autograd::Function<SumOverProcesses> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x,
                               const Reducer& reduce) {
    context->saved_data["reduce"] =
        torch::IValue::make_capsule(c10::make_intrusive<KeptReducer>(reduce));
    return reduced(x, reduce);
  }
  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto kept = context->saved_data["reduce"].toCapsule();
    return {reduced(gradients[0], static_cast<const KeptReducer&>(*kept).reduce), torch::Tensor()};
  }
};

// [C], in double precision.
torch::Tensor channel_sums(const torch::Tensor& x) {
  return x.transpose(0, 1).flatten(1).sum(1, /*keepdim=*/false, torch::kDouble);
}

// [C] as [1, C] or [1, C, 1, 1].
torch::Tensor for_each_channel(const torch::Tensor& values, const torch::Tensor& x) {
  std::vector<int64_t> shape(x.dim(), 1);
  shape[1] = x.size(1);
  return values.to(x.dtype()).view(shape);
}

// What remembers statistics moves a step towards those of this batch.
void follow(const torch::Tensor& remembered, const torch::Tensor& now, double momentum) {
  const torch::NoGradGuard no_grad;
  remembered.lerp_(now.detach().to(remembered.dtype()), momentum);
}

}  // namespace

torch::Tensor shared_batch_norm(const torch::Tensor& x, const TorchBatchNorm& norm, double momentum,
                                const Reducer& reduce) {
  // Statistics are not rounded to the format that automatic casting may have brought.
  const torch::Tensor all = x.to(norm.gamma.dtype());
  const torch::Tensor sum = channel_sums(all);
  const torch::Tensor own_count = torch::full({1}, x.numel() / x.size(1), sum.options());
  const torch::Tensor sums = SumOverProcesses::apply(torch::cat({sum, own_count}), reduce);
  const torch::Tensor count = sums.slice(0, -1).detach();
  const torch::Tensor mean = sums.slice(0, 0, -1) / count;
  const torch::Tensor centred = all - for_each_channel(mean, all);
  const torch::Tensor squares = SumOverProcesses::apply(channel_sums(centred.square()), reduce);
  follow(norm.mean, mean, momentum);
  follow(norm.variance, squares / (count - 1), momentum);  // of a sample, as libtorch's
  const torch::Tensor scale = (squares / count + norm.eps).rsqrt() * norm.gamma;
  const torch::Tensor y = centred * for_each_channel(scale, all) + for_each_channel(norm.beta, all);
  return y.to(x.dtype());
}

}  // namespace fovea
