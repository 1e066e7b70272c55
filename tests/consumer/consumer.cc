// Runs a model on its input, and is told that this build decodes no pictures:
//   consumer MODEL INPUT.npy PICTURE
#include <fovea/fovea.h>
#include <fovea/io/npy.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const fovea::Model model = fovea::Model::load(argv[1]);
  const fovea::Result result = model.run(fovea::read_npy(argv[2]));
  std::printf("%s: %s\n", model.simd().c_str(), fovea::to_string(result.logits.shape).c_str());
  try {
    model.preprocess(argv[3]);
  } catch (const fovea::Error& error) {
    std::printf("%s\n", error.what());
    return 0;
  }
  return 1;
}
