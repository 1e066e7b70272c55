#include "fovea/segment/embedding_file.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

constexpr const char* kTensor = "embedding";
constexpr int kLargestSide = 1 << 20;

[[noreturn]] void refuse(const SafeTensors& file, const std::string& found) {
  fail("{}: {}; expected an embedding that fovea segment --save-embedding wrote", file.file_name(),
       found);
}

const std::string& text_in(const SafeTensors& file, const char* key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) {
    refuse(file, fmt::format("its metadata has no {}", key));
  }
  return found->second;
}

int side_in(const SafeTensors& file, const char* key) {
  const std::string& text = text_in(file, key);
  int side = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, side);
  if (error != std::errc() || stop != end || side < 1 || side > kLargestSide) {
    refuse(file, fmt::format("{} in its metadata is {}", key, printable(text)));
  }
  return side;
}

}  // namespace

void write_embedding(const std::filesystem::path& path, const PictureEmbedding& embedding) {
  const PicturePlace& place = embedding.placement;
  write_safetensors(path, {to_write(kTensor, embedding.values)},
                    {{"encoder", embedding.encoder},
                     {"height", std::to_string(place.height)},
                     {"picture", embedding.picture},
                     {"size", std::to_string(place.side)},
                     {"width", std::to_string(place.width)}});
}

PictureEmbedding read_embedding(const std::filesystem::path& path) {
  return read_embedding(SafeTensors::open(path));
}

PictureEmbedding read_embedding(const SafeTensors& file) {
  const auto tensor = file.tensors().find(kTensor);
  if (tensor == file.tensors().end()) refuse(file, "has no tensor embedding");
  const Shape& shape = tensor->second.shape;
  if (shape.size() != 4 || shape[0] != 1 || elements(shape) < 1) {
    refuse(file, fmt::format("embedding is {}", to_string(shape)));
  }
  PictureEmbedding embedding{{shape, to_floats(tensor->second, file.file_name())}, {}, {}, {}};
  const auto finite = [](float value) { return std::isfinite(value); };
  if (!std::all_of(embedding.values.data.begin(), embedding.values.data.end(), finite)) {
    refuse(file, "embedding has values that are not finite");
  }
  const int width = side_in(file, "width");
  const int height = side_in(file, "height");
  const int size = side_in(file, "size");
  try {
    embedding.placement = place_picture(width, height, size);
  } catch (const Error& error) {
    refuse(file, error.what());
  }
  embedding.picture = text_in(file, "picture");
  embedding.encoder = text_in(file, "encoder");
  return embedding;
}

}  // namespace fovea
