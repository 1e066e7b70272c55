// Python's pickles, protocol 2, as torch.save writes them: read as plain values. Nothing is called
// or imported: what a pickle wants to build is kept as a note of what it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fovea {

class Pickle {
 public:
  using Id = uint32_t;  // of a value; a larger one was made later

  // object: a call, of which what is called and its arguments are the items. stored: a persistent
  // id, whose one item says which.
  enum class Kind : uint8_t {
    none,
    boolean,
    integer,
    large_integer,
    number,
    text,
    list,
    tuple,
    set,
    dict,
    global,
    object,
    stored
  };

  // Whether a pickle may name a global, such as "torch FloatStorage".
  using Allowed = std::function<bool(std::string_view global)>;

  // Reads the pickle at the beginning of `bytes`, which must outlive it; `name` stands in messages.
  // Throws Error for opcodes that torch.save does not write, globals that are not allowed (also
  // where nothing needs them), and more values than any model has. Takes memory and time in
  // proportion to the bytes, and recurses nowhere.
  static Pickle parse(std::span<const std::byte> bytes, const std::string& name,
                      const Allowed& allowed);

  Id root() const { return root_; }
  size_t size() const { return size_; }            // in bytes
  size_t count() const { return values_.size(); }  // of values: ids are less
  Kind kind(Id id) const { return values_[id].kind; }
  int64_t integer(Id id) const { return values_[id].integer; }  // also of a boolean
  std::string_view text(Id id) const;                           // also of a global: "module name"
  size_t length(Id id) const { return values_[id].items; }      // of a dict twice its entries
  std::vector<Id> items(Id id) const;                           // of a dict: key, value, key, ...

  Id first(Id id) const { return links_[values_[id].first].item; }  // of one that has items

  // "a list of 3", for messages.
  std::string describe(Id id) const;

 private:
  friend class PickleReader;
  static constexpr uint32_t kNothing = UINT32_MAX;

  // Items are chained through links_, so that freeing them follows no path.
  struct Value {
    Kind kind = Kind::none;
    uint32_t items = 0;  // or the length of a text
    uint32_t first = kNothing;
    uint32_t last = kNothing;
    int64_t integer = 0;  // or where a text begins
  };
  struct Link {
    Id item;
    uint32_t next;
  };

  std::string_view bytes_;
  std::deque<Value> values_;
  std::deque<Link> links_;
  std::vector<std::string> globals_;
  Id root_ = 0;
  size_t size_ = 0;
};

}  // namespace fovea
