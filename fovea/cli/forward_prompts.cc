#include "fovea/cli/forward_prompts.h"

#include "fovea/io/fail.h"

namespace fovea::cli {
namespace {

// One image's part of a batch of embeddings.
Array embedding_of(const Result& result, int64_t image) {
  Shape shape = result.embedding.shape;
  shape[0] = 1;
  const auto first = result.embedding.data.begin() + image * elements(shape);
  return {shape, {first, first + elements(shape)}};
}

// Adds what one image gave behind those before it.
void append(const std::vector<float>& values, const Shape& of_image, Array& all) {
  all.shape = of_image;
  all.data.insert(all.data.end(), values.begin(), values.end());
  all.shape.insert(all.shape.begin(), static_cast<int64_t>(all.data.size()) / elements(of_image));
}

}  // namespace

std::vector<NamedArray> forward_prompts(const Segmenter& segmenter, const Array& input,
                                        const Result& result,
                                        const std::vector<FilePrompt>& file_prompts) {
  const auto side = static_cast<int>(input.shape[3]);
  if (input.shape[2] != side) {
    fail("images are {}; expected squares to answer prompts of", to_string(input.shape));
  }
  std::vector<Prompt> prompts;
  for (const FilePrompt& prompt : file_prompts) {
    if (!prompt.picture.empty()) {
      fail("a prompt is for the picture {}; expected prompts for all images",
           printable(prompt.picture.string()));
    }
    prompts.push_back(prompt.prompt);
    if (prompts.back().name.empty()) prompts.back().name = std::to_string(prompts.size() - 1);
  }
  std::vector<NamedArray> arrays;
  for (const Prompt& prompt : prompts) {
    arrays.push_back({prompt.name + ".low_res_masks", {}});
    arrays.push_back({prompt.name + ".iou", {}});
  }
  for (int64_t image = 0; image < result.embedding.shape[0]; ++image) {
    const EncodedPicture picture =
        segmenter.encoded(embedding_of(result, image), place_picture(side, side, side));
    const std::vector<PromptMasks> answers = segmenter.ask(picture, prompts);
    for (size_t i = 0; i < answers.size(); ++i) {
      const PromptMasks& answer = answers[i];
      append(answer.logits.data, answer.logits.shape, arrays[2 * i].values);
      append(answer.iou, {answer.logits.shape[0]}, arrays[2 * i + 1].values);
    }
  }
  return arrays;
}

}  // namespace fovea::cli
