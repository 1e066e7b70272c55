// What the inputs of each file gave, put together: files may have several, and these may come in
// several batches.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fovea/data/loader.h"

namespace fovea::cli {

// Gathered: default-constructed before the first input of a file.
template <class Gathered>
class ByFile {
 public:
  // Calls add(gathered, part, i) for each input i of a batch, and done(file, gathered) for the
  // files that are complete with it. Of one that can't be read to its end the next one takes the
  // place.
  template <class Add, class Done>
  void take(const InputBatch& batch, const Add& add, const Done& done) {
    for (size_t i = 0; i < batch.parts.size(); ++i) {
      const InputBatch::Part& part = batch.parts[i];
      if (part.number == 0) gathered_ = Gathered();
      add(gathered_, part, static_cast<int64_t>(i));
      if (part.is_last) done(part.file, gathered_);
    }
  }

 private:
  Gathered gathered_;  // of the file that comes next, or is begun
};

}  // namespace fovea::cli
