// The few values that were asked for last, each under a key. Safe to use from several threads.
#pragma once

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace fovea {

template <class Key, class Value>
class Recent {
 public:
  // Keeps at most `most` values, at least 1.
  explicit Recent(size_t most) : most_(most) {}

  // What is kept under the key, else what make() gives, which then takes the place of what was
  // asked for least lately. make() runs without a lock: callers that ask at once may each run it,
  // and get one value all the same.
  template <class Make>
  Value get(const Key& key, const Make& make) {
    {
      const std::lock_guard lock(lock_);
      if (to_front(key)) return entries_.front().second;
    }
    Value made = make();
    const std::lock_guard lock(lock_);
    if (to_front(key)) return entries_.front().second;  // another caller was quicker
    if (entries_.size() == most_) entries_.pop_back();
    entries_.insert(entries_.begin(), {key, std::move(made)});
    return entries_.front().second;
  }

 private:
  using Entry = std::pair<Key, Value>;

  // Moves what is kept under the key to the front.
  bool to_front(const Key& key) {
    const auto found = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const Entry& entry) { return entry.first == key; });
    if (found == entries_.end()) return false;
    std::rotate(entries_.begin(), found, found + 1);
    return true;
  }

  size_t most_;
  std::mutex lock_;
  std::vector<Entry> entries_;  // the one asked for last comes first
};

}  // namespace fovea
