// Embeddings of pictures as files, so that a picture that was encoded once can be asked again.
#pragma once

#include <filesystem>
#include <string>

#include "fovea/api.h"
#include "fovea/io/array.h"
#include "fovea/io/safetensors.h"
#include "fovea/segment/placement.h"

namespace fovea {

struct PictureEmbedding {
  Array values;  // [1, C, h, w]: the image encoder's output
  PicturePlace placement;
  std::string picture;  // the file's name; may be empty
  std::string encoder;  // whose it is, as fingerprint() has it
};

// A safetensors file: `embedding`, and all else in its metadata.
FOVEA_API void write_embedding(const std::filesystem::path& path,
                               const PictureEmbedding& embedding);
// Throws Error naming the file for what write_embedding never wrote.
FOVEA_API PictureEmbedding read_embedding(const std::filesystem::path& path);
FOVEA_API PictureEmbedding read_embedding(const SafeTensors& file);

}  // namespace fovea
