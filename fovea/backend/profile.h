// Where the time of a run goes.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>

namespace fovea {

// Kinds of work. What is none of these counts as other.
enum class Work { patches, norms, products, attention, merging, routing, other };
inline constexpr size_t kWorkKinds = 7;

struct Profile {
  std::array<double, kWorkKinds> seconds =
      {};                         // by Work; of all threads where each has its own images
  double product_operations = 0;  // two per multiply-add, of `products` alone
  double attention_operations = 0;

  double& operator[](Work work) { return seconds[static_cast<size_t>(work)]; }
  double operator[](Work work) const { return seconds[static_cast<size_t>(work)]; }
  double total() const {
    double sum = 0;
    for (const double s : seconds) sum += s;
    return sum;
  }
  Profile& operator+=(const Profile& more) {
    for (size_t i = 0; i < kWorkKinds; ++i) seconds[i] += more.seconds[i];
    product_operations += more.product_operations;
    attention_operations += more.attention_operations;
    return *this;
  }
};

// Adds the time of its scope to a profile; does nothing where there is none.
class Timed {
 public:
  Timed(Profile* profile, Work work) : profile_(profile), work_(work) {
    if (profile_ != nullptr) start_ = std::chrono::steady_clock::now();
  }
  ~Timed() {
    if (profile_ == nullptr) return;
    (*profile_)[work_] +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;

 private:
  Profile* profile_;
  Work work_;
  std::chrono::steady_clock::time_point start_;
};

}  // namespace fovea
