// Counting a backend's time for as long as a scope lasts.
#pragma once

#include "fovea/backend/cpu/cpu.h"

namespace fovea {

// What the backend does counts for the profile as long as this lives, however its scope ends: the
// backend goes on to other runs, the profile need not.
class Profiled {
 public:
  Profiled(Cpu& cpu, Profile* profile) : cpu_(cpu) { cpu_.set_profile(profile); }
  ~Profiled() { cpu_.set_profile(nullptr); }
  Profiled(const Profiled&) = delete;
  Profiled& operator=(const Profiled&) = delete;

 private:
  Cpu& cpu_;
};

}  // namespace fovea
