#include "fovea/cli/prompt_flags.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

#include "fovea/cli/options.h"
#include "fovea/io/fail.h"

namespace fovea::cli {
namespace {

namespace fs = std::filesystem;

// The numbers that commas separate; nothing where one is none.
std::optional<std::vector<float>> numbers_in(const std::string& text) {
  std::vector<float> numbers;
  for (const std::string& part : split(text)) {
    float number = 0;
    const char* end = part.data() + part.size();
    const auto [stop, error] = std::from_chars(part.data(), end, number);
    if (error != std::errc() || stop != end) return std::nullopt;
    numbers.push_back(number);
  }
  return numbers;
}

void add_point(const std::string& text, Prompt& prompt) {
  const std::optional<std::vector<float>> numbers = numbers_in(text);
  const bool fits = numbers && (numbers->size() == 2 || numbers->size() == 3);
  if (!fits)
    fail("--point {}: expected X,Y or X,Y,LABEL in pixels of the picture", printable(text));
  const float label = numbers->size() == 3 ? numbers->back() : 1;
  if (label != 0 && label != 1) {
    fail("--point {}: expected the label 1 (in what is meant) or 0 (beside it)", printable(text));
  }
  prompt.points.push_back({(*numbers)[0], (*numbers)[1]});
  prompt.labels.push_back(static_cast<int>(label));
}

std::array<float, 4> parse_box(const std::string& text) {
  const std::optional<std::vector<float>> numbers = numbers_in(text);
  if (!numbers || numbers->size() != 4) {
    fail("--box {}: expected X0,Y0,X1,Y1 in pixels of the picture", printable(text));
  }
  return {(*numbers)[0], (*numbers)[1], (*numbers)[2], (*numbers)[3]};
}

bool is_same_file(const fs::path& a, const fs::path& b) {
  std::error_code ignored;  // what is not there is only what it is called
  return a.lexically_normal() == b.lexically_normal() || fs::equivalent(a, b, ignored);
}

bool is_among(const fs::path& file, const std::vector<fs::path>& files) {
  return std::any_of(files.begin(), files.end(),
                     [&](const fs::path& other) { return is_same_file(file, other); });
}

}  // namespace

void add_prompt_flags(Command& command, PromptFlags& flags) {
  const std::string group = "Prompts";
  command
      .add_repeated_option("--point", flags.points,
                           "A point in what is meant, in pixels of the picture; with ,0\n"
                           "behind it one beside what is meant. All points, and the box,\n"
                           "are one prompt")
      ->type_name("X,Y[,0|1]")
      ->group(group);
  command
      .add_repeated_option("--box", flags.boxes,
                           "A box around what is meant. Several boxes are a prompt each,\n"
                           "every one with all points")
      ->type_name("X0,Y0,X1,Y1")
      ->group(group);
  command
      .add_option("--prompts", flags.file,
                  "File of prompts instead: a JSON list, or one object a line:\n"
                  "{\"name\", \"file\", \"points\": [[x, y], ...], \"labels\": [...],\n"
                  "\"box\": [x0, y0, x1, y1], \"mask\": \"m.npy\", \"multimask\": false};\n"
                  "each key may be missing. Paths are relative to it")
      ->type_name("FILE")
      ->group(group);
  command.add_flag("--multimask", flags.multimask,
                   "Three masks to each prompt, for those that may mean several\n"
                   "things; what is drawn is the best by the model's own estimate");
}

std::vector<FilePrompt> prompts_of(const PromptFlags& flags) {
  const bool typed = !flags.points.empty() || !flags.boxes.empty();
  if (!flags.file.empty()) {
    if (typed) {
      fail("--prompts {}: with --point or --box; expected all prompts in the file",
           printable(flags.file));
    }
    return read_prompts(flags.file, flags.multimask);
  }
  if (!typed) return {};
  FilePrompt prompt;
  prompt.prompt.multimask = flags.multimask;
  for (const std::string& point : flags.points) add_point(point, prompt.prompt);
  if (flags.boxes.empty()) return {prompt};
  std::vector<FilePrompt> prompts;
  for (const std::string& box : flags.boxes) {
    prompt.prompt.box = parse_box(box);
    prompts.push_back(prompt);
  }
  return prompts;
}

std::vector<AskedPrompt> prompts_for(const std::vector<FilePrompt>& prompts,
                                     const fs::path& picture) {
  std::vector<AskedPrompt> asked;
  for (size_t i = 0; i < prompts.size(); ++i) {
    const FilePrompt& prompt = prompts[i];
    if (!prompt.picture.empty() && !is_same_file(prompt.picture, picture)) continue;
    asked.push_back({static_cast<int>(i), prompt.prompt});
  }
  return asked;
}

std::vector<fs::path> named_pictures(const std::vector<FilePrompt>& prompts) {
  std::vector<fs::path> pictures;
  for (const FilePrompt& prompt : prompts) {
    if (prompt.picture.empty() || is_among(prompt.picture, pictures)) continue;
    pictures.push_back(prompt.picture);
  }
  return pictures;
}

void check_named_pictures(const std::vector<FilePrompt>& prompts,
                          const std::vector<fs::path>& pictures) {
  for (const fs::path& named : named_pictures(prompts)) {
    if (is_among(named, pictures)) continue;
    fail("{}: a prompt is for it, but it is none of the pictures of the command line",
         named.string());
  }
}

}  // namespace fovea::cli
