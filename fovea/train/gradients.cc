#include "fovea/train/gradients.h"

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <memory>
#include <span>

namespace fovea {

// Libtorch calls it when a backward pass has added the last part to a parameter's gradient.
class Gradients::Hook : public torch::autograd::PostAccumulateGradHook {
 public:
  Hook(Gradients& gradients, Member& member) : gradients_(gradients), member_(member) {}
  void operator()(const torch::Tensor& parameter) override {
    gradients_.take(member_, parameter.grad());
  }

 private:
  Gradients& gradients_;
  Member& member_;
};

Gradients::Gradients(const std::vector<torch::Tensor>& parameters, const Processes& processes,
                     int64_t bucket_bytes)
    : processes_(processes) {
  if (processes.size() == 1) return;
  for (size_t i = parameters.size(); i-- > 0;) add(parameters[i], bucket_bytes);
  for (Bucket& bucket : buckets_) {
    bucket.missing = bucket.members;
    bucket.sums = torch::zeros({bucket.values + bucket.members}, torch::kFloat);
  }
  for (Member& member : members_) {
    member.count += buckets_[member.bucket].values;
    torch::autograd::impl::set_post_acc_grad_hooks(member.parameter,
                                                   std::make_unique<Hook>(*this, member));
  }
  thread_ = std::thread([this] { work(); });
}

Gradients::~Gradients() {
  if (!thread_.joinable()) return;
  for (Member& member : members_) {
    torch::autograd::impl::set_post_acc_grad_hooks(member.parameter, nullptr);
  }
  {
    const std::lock_guard lock(lock_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Gradients::add(const torch::Tensor& parameter, int64_t bucket_bytes) {
  const auto bytes_of = [](int64_t values) { return values * static_cast<int64_t>(sizeof(float)); };
  if (buckets_.empty() || bytes_of(buckets_.back().values) >= bucket_bytes) buckets_.emplace_back();
  Bucket& bucket = buckets_.back();
  members_.push_back({.parameter = parameter,
                      .bucket = buckets_.size() - 1,
                      .offset = bucket.values,
                      .count = bucket.members});
  bucket.values += parameter.numel();
  ++bucket.members;
}

torch::Tensor Gradients::sums_of(const Member& member) const {
  return buckets_[member.bucket]
      .sums.narrow(0, member.offset, member.parameter.numel())
      .view(member.parameter.sizes());
}

// `gradient` may be undefined: the process has none.
void Gradients::take(Member& member, const torch::Tensor& gradient) {
  const torch::NoGradGuard no_grad;
  Bucket& bucket = buckets_[member.bucket];
  torch::Tensor sums = sums_of(member);
  if (gradient.defined()) {
    sums.copy_(gradient);
  } else {
    sums.zero_();
  }
  bucket.sums.data_ptr<float>()[member.count] = gradient.defined() ? 1.0F : 0.0F;
  member.is_taken = true;
  const std::lock_guard lock(lock_);
  if (--bucket.missing == 0) changed_.notify_all();
}

void Gradients::give(Member& member) {
  const bool any = buckets_[member.bucket].sums.const_data_ptr<float>()[member.count] > 0;
  member.parameter.mutable_grad() =
      any ? sums_of(member).to(member.parameter.device()) : torch::Tensor();
  member.is_taken = false;
}

void Gradients::finish() {
  if (buckets_.empty()) return;
  for (Member& member : members_) {
    if (!member.is_taken) take(member, {});
  }
  {
    std::unique_lock lock(lock_);
    changed_.wait(lock, [&] { return summed_ == buckets_.size(); });
    for (Bucket& bucket : buckets_) bucket.missing = bucket.members;
    summed_ = 0;
  }
  for (Member& member : members_) give(member);
}

void Gradients::work() {
  const float share = 1.0F / static_cast<float>(processes_.size());
  std::unique_lock lock(lock_);
  while (true) {
    changed_.wait(lock, [&] {
      return stop_ || (summed_ < buckets_.size() && buckets_[summed_].missing == 0);
    });
    if (stop_) return;
    const torch::Tensor& sums = buckets_[summed_].sums;
    const std::span values(sums.data_ptr<float>(), static_cast<size_t>(sums.numel()));
    lock.unlock();
    if (!processes_.sum_gradients(values, stop_)) return;
    for (float& value : values) value *= share;
    lock.lock();
    ++summed_;
    changed_.notify_all();
  }
}

}  // namespace fovea
