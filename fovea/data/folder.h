// Which pictures a command line's paths mean.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "fovea/data/left_out.h"
#include "fovea/model/architecture.h"

namespace fovea {

// A name's ending with its dot, in small letters: ".jpg"; "" where it has none.
std::string ending_of(std::string_view name);

// Whether its name ends as a picture's does, in any case, though the library that reads it may be
// missing.
bool is_picture(const std::filesystem::path& path);

// The same of a name that a file of that medium may have: many kinds hold videos or sound.
bool is_of(const std::filesystem::path& path, Medium medium);

// ".jpg, ..., .heif or .avif", for messages.
std::string endings_of(Medium medium);

// "picture", "video" or "sound", and many of them: "pictures", for messages.
const char* one_of(Medium medium);
std::string many_of(Medium medium);

// Files as they are given; folders recursively, sorted by path, only pictures. Links to folders are
// followed, but not to one that they lie in. What is hidden below a folder is passed over, and what
// was is added to `left_out`. Throws Error naming the path that does not exist, can't be read, or
// the folder that holds no picture.
std::vector<std::filesystem::path> list_pictures(const std::vector<std::filesystem::path>& paths,
                                                 LeftOut& left_out);

// The same of files of any medium. Where videos are wanted, a folder that holds pictures and no
// video is one itself: a clip of its pictures.
std::vector<std::filesystem::path> list_media(const std::vector<std::filesystem::path>& paths,
                                              Medium medium, LeftOut& left_out);

// The same of one folder, which may hold none.
std::vector<std::filesystem::path> media_in(const std::filesystem::path& folder, Medium medium,
                                            LeftOut& left_out);

// Those that lie in the folder itself.
std::vector<std::filesystem::path> pictures_right_in(const std::filesystem::path& folder);

}  // namespace fovea
