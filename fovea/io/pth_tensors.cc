#include "fovea/io/pth_tensors.h"

#include <cstring>
#include <utility>

#include "fovea/io/fail.h"
#include "fovea/io/pth_tree.h"

namespace fovea {
namespace {

using Id = Pickle::Id;
using Kind = Pickle::Kind;
using Bytes = std::span<const std::byte>;

// Sums and products of numbers that are not negative; nothing where they overflow.
std::optional<int64_t> times(int64_t a, int64_t b) {
  int64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::nullopt : std::optional(product);
}
std::optional<int64_t> plus(int64_t a, std::optional<int64_t> b) {
  int64_t sum = 0;
  return !b || __builtin_add_overflow(a, *b, &sum) ? std::nullopt : std::optional(sum);
}

// A tensor as the pickle describes it; numbers in elements of the storage.
struct Layout {
  int64_t offset;
  Shape size, stride;
};

// The index of the last element.
std::optional<int64_t> last_of(const Layout& layout) {
  std::optional<int64_t> last = layout.offset;
  for (size_t i = 0; i < layout.size.size() && last; ++i) {
    last = plus(*last, times(layout.size[i] - 1, layout.stride[i]));
  }
  return last;
}

bool is_in_rows(const Layout& layout) {
  int64_t step = 1;
  for (size_t i = layout.size.size(); i-- > 0;) {
    if (layout.size[i] != 1 && layout.stride[i] != step) return false;
    step *= layout.size[i];
  }
  return true;
}

// The elements in rows, of a tensor that lies inside `storage` and is not empty.
std::vector<std::byte> in_rows(const Layout& layout, Bytes storage, size_t width, int64_t count) {
  std::vector<std::byte> rows(static_cast<size_t>(count) * width);
  const size_t rank = layout.size.size();
  Shape index(rank, 0);
  int64_t at = layout.offset;
  for (std::byte* to = rows.data(); to != rows.data() + rows.size(); to += width) {
    std::memcpy(to, storage.data() + static_cast<size_t>(at) * width, width);
    for (size_t i = rank; i-- > 0;) {
      at += layout.stride[i];
      if (++index[i] < layout.size[i]) break;
      at -= layout.size[i] * layout.stride[i];
      index[i] = 0;
    }
  }
  return rows;
}

class Reader {
 public:
  Reader(const Pickle& pickle, const ReadStorage& read, size_t file_bytes, const std::string& name)
      : pickle_(pickle), read_(read), file_bytes_(file_bytes), name_(name) {}

  void add(const std::string& tensor, Id id) {
    tensor_ = &tensor;
    const std::vector<Id> args = arguments(id);
    if (pickle_.kind(args[0]) != Kind::stored) refuse("has no storage");
    const StorageId storage = storage_id(pickle_, args[0], name_);
    const Layout layout = {whole(args[1]), numbers(args[2]), numbers(args[3])};
    if (layout.size.size() != layout.stride.size()) refuse("has other strides than sizes");
    const Bytes bytes = read_(storage);
    const int64_t count = count_of(layout);
    all_ += static_cast<size_t>(count);
    if (all_ / kMostUses > file_bytes_)
      refuse("and others share storages more often than tensors do");
    TensorView view{tensor, std::string(storage.format.dtype), layout.size, {}};
    if (count > 0) view.bytes = bytes_of(layout, count, storage, bytes);
    if (!file_.tensors.emplace(tensor, std::move(view)).second) refuse("is there twice");
  }

  PthFile take() { return std::move(file_); }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    fail("{}: tensor {} {}", name_, printable(*tensor_), why);
  }

  // Of the call that makes the tensor, or the one that a Parameter is made of.
  std::vector<Id> arguments(Id id) const {
    std::vector<Id> parts = pickle_.items(id);
    std::vector<Id> args = pickle_.items(parts[1]);
    if (makes_parameter(pickle_.text(parts[0]))) {
      if (args.empty() || !is_tensor(pickle_, args[0])) refuse("is a Parameter of no tensor");
      parts = pickle_.items(args[0]);
      if (makes_parameter(pickle_.text(parts[0]))) refuse("is a Parameter of a Parameter");
      args = pickle_.items(parts[1]);
    }
    if (args.size() < 4) refuse("lacks its size or strides");
    return args;
  }

  int64_t whole(Id id) const {
    if (pickle_.kind(id) != Kind::integer || pickle_.integer(id) < 0) {
      refuse(fmt::format("has {} for a size, stride or offset; expected whole numbers from 0 on",
                         pickle_.describe(id)));
    }
    return pickle_.integer(id);
  }

  Shape numbers(Id id) const {
    constexpr size_t kMostExtents = 64;  // as torch allows
    if (pickle_.kind(id) != Kind::tuple || pickle_.length(id) > kMostExtents)
      refuse(fmt::format("has {} for its size or strides", pickle_.describe(id)));
    Shape values;
    for (const Id item : pickle_.items(id)) values.push_back(whole(item));
    return values;
  }

  // A file can't hold more elements than bytes, but stride 0 can claim them.
  int64_t count_of(const Layout& layout) const {
    const std::optional<int64_t> count = checked_elements(layout.size);
    if (!count || static_cast<uint64_t>(*count) > file_bytes_) {
      refuse(fmt::format("of size {} is larger than the whole file", to_string(layout.size)));
    }
    return *count;
  }

  Bytes bytes_of(const Layout& layout, int64_t count, const StorageId& storage, Bytes bytes) {
    const auto width = static_cast<size_t>(storage.format.width);
    const std::optional<int64_t> last = last_of(layout);
    if (!last || static_cast<uint64_t>(*last) >= bytes.size() / width) {
      refuse(fmt::format(
          "reaches past its storage, {} of {} numbers: size {}, strides {}, offset {}", storage.key,
          bytes.size() / width, to_string(layout.size), to_string(layout.stride), layout.offset));
    }
    if (is_in_rows(layout)) {
      return bytes.subspan(static_cast<size_t>(layout.offset) * width,
                           static_cast<size_t>(count) * width);
    }
    copied_ += static_cast<size_t>(count);
    if (copied_ > file_bytes_) {
      refuse("and others that don't lie in rows are larger than the whole file");
    }
    const auto rows =
        std::make_shared<const std::vector<std::byte>>(in_rows(layout, bytes, width, count));
    file_.copies.push_back(rows);
    return *rows;
  }

  const Pickle& pickle_;
  const ReadStorage& read_;
  size_t file_bytes_;
  const std::string& name_;
  const std::string* tensor_ = nullptr;
  // Elements; few bytes can be those of many tensors, tied ones among them, but not of any number.
  static constexpr size_t kMostUses = 64;
  size_t all_ = 0;
  size_t copied_ = 0;
  PthFile file_;
};

}  // namespace

StorageId storage_id(const Pickle& pickle, Id stored, const std::string& name) {
  const auto refuse = [&]() {
    fail("{}: holds a persistent id that is no storage of torch's", name);
  };
  const Id tuple = pickle.first(stored);
  const std::vector<Id> parts =
      pickle.kind(tuple) == Kind::tuple ? pickle.items(tuple) : std::vector<Id>{};
  if (parts.size() != 5 && parts.size() != 6) refuse();
  const auto format = storage_format(pickle.text(parts[1]));
  const bool fits = pickle.text(parts[0]) == "storage" && pickle.kind(parts[1]) == Kind::global &&
                    format && pickle.kind(parts[2]) == Kind::text &&
                    pickle.kind(parts[4]) == Kind::integer && pickle.integer(parts[4]) >= 0;
  if (!fits) refuse();
  StorageId id{std::string(pickle.text(parts[2])), *format, pickle.integer(parts[4]), {}};
  if (parts.size() == 5 || pickle.kind(parts[5]) == Kind::none) return id;
  const std::vector<Id> view =
      pickle.kind(parts[5]) == Kind::tuple ? pickle.items(parts[5]) : std::vector<Id>{};
  if (view.size() != 3 || pickle.kind(view[0]) != Kind::text ||
      pickle.kind(view[1]) != Kind::integer || pickle.kind(view[2]) != Kind::integer ||
      pickle.integer(view[1]) < 0 || pickle.integer(view[2]) < 0) {
    refuse();
  }
  id.view = StorageId::View{std::string(pickle.text(view[0])), pickle.integer(view[1]),
                            pickle.integer(view[2])};
  return id;
}

PthFile read_tensors(const Pickle& pickle, Id dict, const ReadStorage& read, size_t file_bytes,
                     const std::string& name) {
  Reader reader(pickle, read, file_bytes, name);
  const std::vector<Id> items = pickle.items(dict);
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    const bool named = pickle.kind(items[i]) == Kind::text;
    if (named && is_tensor(pickle, items[i + 1])) {
      reader.add(std::string(pickle.text(items[i])), items[i + 1]);
    }
  }
  return reader.take();
}

}  // namespace fovea
