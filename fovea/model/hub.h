// Models of the Hugging Face hub that were downloaded before: nothing is fetched.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace fovea {

// The folder in the hub's cache with the model that ORG/NAME calls, as its branch main is there;
// nothing for other texts and models that are not in the cache. The cache is HF_HUB_CACHE, else
// hub/ in HF_HOME, else ~/.cache/huggingface/hub.
std::optional<std::filesystem::path> cached_model(const std::string& name);

// Throws Error that says how to download what a name of the hub, or a URL, calls; returns for other
// texts.
void explain_missing(const std::string& model);

}  // namespace fovea
