// Multiplying in bf16 where the arguments are in single precision.
#pragma once

#include <ATen/autocast_mode.h>

namespace fovea {

// While it lives libtorch casts what it multiplies to bf16, on all devices; sums, norms and losses
// stay in single precision.
class Autocast {
 public:
  Autocast(bool is_on, torch::DeviceType device)
      : device_(device), before_(at::autocast::is_autocast_enabled(device)) {
    at::autocast::set_autocast_enabled(device_, is_on);
    at::autocast::set_autocast_dtype(device_, at::kBFloat16);
    at::autocast::increment_nesting();
  }
  ~Autocast() {
    // What was cast is kept for the backward pass alone; weights change after it.
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, before_);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  torch::DeviceType device_;
  bool before_;
};

}  // namespace fovea
