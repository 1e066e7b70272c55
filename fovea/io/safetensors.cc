// Reading and writing safetensors: every number in the header is held against the file before use.
#include "fovea/io/safetensors.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "fovea/io/fail.h"
#include "fovea/io/replacement.h"
#include "fovea/io/safetensors_header.h"

namespace fovea {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kLongestHeader = 100'000'000;  // the format's own limit

// In bits.
constexpr std::pair<std::string_view, int64_t> kElementSizes[] = {
    {"F4", 4},          {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"BOOL", 8},    {"U8", 8},
    {"I8", 8},          {"F8_E4M3", 8}, {"F8_E5M2", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
    {"F8_E5M2FNUZ", 8}, {"U16", 16},    {"I16", 16},    {"F16", 16},    {"BF16", 16},
    {"U32", 32},        {"I32", 32},    {"F32", 32},    {"U64", 64},    {"I64", 64},
    {"F64", 64},        {"C64", 64}};

// Bits of one element; throws Error for a dtype that the format does not have.
int64_t element_bits(const std::string& dtype, const std::string& tensor, const std::string& file) {
  const auto* found =
      std::ranges::find(kElementSizes, dtype, [](const auto& pair) { return pair.first; });
  if (found == std::end(kElementSizes)) {
    fail("{}: tensor {} has the unknown dtype {}; expected one of the format's, such as F32", file,
         printable(tensor), printable(dtype));
  }
  return found->second;
}

// Bytes of so many elements, as many as checked_elements allows; nothing where they end within one.
std::optional<int64_t> bytes_of(int64_t count, int64_t bits) {
  if (bits % 8 == 0) return count * (bits / 8);
  // count * bits might overflow; eight elements of so many bits fill as many bytes.
  const int64_t rest = count % 8 * bits;
  return rest % 8 == 0 ? std::optional(count / 8 * bits + rest / 8) : std::nullopt;
}

// The header's JSON, after its length was held against the file's size.
std::string_view header_text(std::span<const std::byte> bytes, const std::string& file) {
  if (bytes.size() < kLengthBytes) {
    fail(
        "{}: has {} bytes; expected a safetensors file, which starts with 8 bytes of header length",
        file, bytes.size());
  }
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  if (length > kLongestHeader) {
    fail("{}: says that its header has {} bytes; expected a safetensors file, with {} at most",
         file, length, kLongestHeader);
  }
  if (length > bytes.size() - kLengthBytes) {
    fail("{}: says that its header has {} bytes, but only {} follow; is the file truncated?", file,
         length, bytes.size() - kLengthBytes);
  }
  return {reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length};
}

// One entry's shape, dtype and offsets held against each other and the data.
void check_entry(const std::string& name, const HeaderEntry& entry, int64_t data_size,
                 const std::string& file) {
  const int64_t bits = element_bits(entry.dtype, name, file);
  const std::optional<int64_t> count = checked_elements(entry.shape);
  if (!count) {
    fail("{}: tensor {}: shape {} is too large", file, printable(name), to_string(entry.shape));
  }
  if (entry.begin > entry.end) {
    fail("{}: tensor {}: data_offsets [{}, {}] run backwards", file, printable(name), entry.begin,
         entry.end);
  }
  if (entry.end > data_size) {
    fail("{}: tensor {} ends at byte {} of the data, but there are only {}; is the file truncated?",
         file, printable(name), entry.end, data_size);
  }
  const std::optional<int64_t> size = bytes_of(*count, bits);
  if (!size) {
    fail("{}: tensor {}: {} of shape {} ends within a byte", file, printable(name), entry.dtype,
         to_string(entry.shape));
  }
  if (*size != entry.end - entry.begin) {
    fail("{}: tensor {}: {} of shape {} needs {} bytes, but data_offsets [{}, {}] hold {}", file,
         printable(name), entry.dtype, to_string(entry.shape), *size, entry.begin, entry.end,
         entry.end - entry.begin);
  }
}

// The tensors must fill the data without holes and without sharing bytes.
void check_layout(const std::map<std::string, HeaderEntry>& tensors, int64_t data_size,
                  const std::string& file) {
  using Item = const std::pair<const std::string, HeaderEntry>*;
  std::vector<Item> order;
  order.reserve(tensors.size());
  for (const auto& item : tensors) order.push_back(&item);
  std::ranges::sort(order, {},
                    [](Item item) { return std::pair(item->second.begin, item->second.end); });

  const auto check_hole = [&file](int64_t from, int64_t to) {
    if (from < to) fail("{}: bytes {} to {} of the data belong to no tensor", file, from, to);
  };
  int64_t end = 0;
  Item previous = nullptr;
  for (const Item item : order) {
    const int64_t begin = item->second.begin;
    if (begin < end) {
      fail("{}: tensors {} and {} overlap", file, printable(previous->first),
           printable(item->first));
    }
    check_hole(end, begin);
    end = item->second.end;
    previous = item;
  }
  check_hole(end, data_size);
}

template <typename T>
TensorToWrite describe(std::string name, const char* dtype, const BasicArray<T>& array) {
  return {std::move(name), dtype, array.shape, std::as_bytes(std::span(array.data))};
}

[[noreturn]] void refuse_bytes(const TensorToWrite& tensor, size_t bytes, const std::string& file) {
  fail("{}: tensor {}: {} of shape {} can't be written from {} bytes", file, printable(tensor.name),
       tensor.dtype, to_string(tensor.shape), bytes);
}

// The indices of the tensors, largest elements first, so that each begins at a multiple of its
// element size. Throws Error for what could not be read back.
std::vector<size_t> writing_order(const std::vector<TensorToWrite>& tensors,
                                  const std::string& file) {
  std::vector<int64_t> sizes;
  for (const TensorToWrite& tensor : tensors) {
    sizes.push_back(element_bits(tensor.dtype, tensor.name, file));
    const std::optional<int64_t> count = checked_elements(tensor.shape);
    const std::optional<int64_t> size = count ? bytes_of(*count, sizes.back()) : std::nullopt;
    const bool fits = size && (tensor.make || static_cast<uint64_t>(*size) == tensor.bytes.size());
    if (!fits) refuse_bytes(tensor, tensor.bytes.size(), file);
  }
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater(), [&sizes](size_t i) { return sizes[i]; });
  return order;
}

// The header for tensors laid out in that order, padded so that the data begins at a multiple of 8.
std::string header_json(const std::vector<TensorToWrite>& tensors, const std::vector<size_t>& order,
                        const std::map<std::string, std::string>& metadata,
                        const std::string& file) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  size_t end = 0;
  std::set<std::string_view> names = {"__metadata__"};
  for (const size_t i : order) {
    const TensorToWrite& tensor = tensors[i];
    if (!names.insert(tensor.name).second) {
      fail("{}: the tensor name {} can't be written twice", file, printable(tensor.name));
    }
    const int64_t bits = element_bits(tensor.dtype, tensor.name, file);
    const auto size = static_cast<size_t>(bytes_of(elements(tensor.shape), bits).value_or(0));
    const size_t begin = std::exchange(end, end + size);
    header[tensor.name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::type_error&) {
    fail("{}: a tensor's name or the metadata is not UTF-8", file);
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  if (text.size() > kLongestHeader) {
    fail("{}: its header would have {} bytes; expected at most {}, as the format has it", file,
         text.size(), kLongestHeader);
  }
  return text;
}

void write_tensor(const TensorToWrite& tensor, const std::string& file, std::ostream& out) {
  const std::vector<std::byte> made = tensor.make ? tensor.make() : std::vector<std::byte>();
  const std::span<const std::byte> bytes = tensor.make ? std::span(made) : tensor.bytes;
  const int64_t bits = element_bits(tensor.dtype, tensor.name, file);
  if (bytes_of(elements(tensor.shape), bits) != static_cast<int64_t>(bytes.size()))
    refuse_bytes(tensor, bytes.size(), file);
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
}

// The header with its length before it.
std::string with_length(const std::string& header) {
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + header;
}

}  // namespace

SafeTensors SafeTensors::open(const std::filesystem::path& path) {
  MappedFile file = MappedFile::open(path);
  SafeTensors result = parse(file.bytes(), path.string());
  result.file_ = std::move(file);
  return result;
}

SafeTensors SafeTensors::parse(std::span<const std::byte> bytes, const std::string& name) {
  const std::string_view text = header_text(bytes, name);
  SafeTensorsHeader header = parse_safetensors_header(text, name);
  const std::span<const std::byte> data = bytes.subspan(kLengthBytes + text.size());
  const auto data_size = static_cast<int64_t>(data.size());
  for (const auto& [tensor, entry] : header.tensors) check_entry(tensor, entry, data_size, name);
  check_layout(header.tensors, data_size, name);

  SafeTensors result;
  result.file_name_ = name;
  result.metadata_ = std::move(header.metadata);
  for (auto& [tensor, entry] : header.tensors) {
    const auto begin = static_cast<size_t>(entry.begin);
    const auto count = static_cast<size_t>(entry.end) - begin;
    result.tensors_.emplace(tensor, TensorView{tensor, std::move(entry.dtype),
                                               std::move(entry.shape), data.subspan(begin, count)});
  }
  return result;
}

TensorToWrite to_write(std::string name, const Array& array) {
  return describe(std::move(name), "F32", array);
}

TensorToWrite to_write(std::string name, const IntArray& array) {
  return describe(std::move(name), "I32", array);
}

std::string safetensors_head(const TensorToWrite& described,
                             const std::map<std::string, std::string>& metadata,
                             const std::string& file) {
  return with_length(header_json({described}, {0}, metadata, file));
}

Replacement prepare_safetensors(const std::filesystem::path& path,
                                const std::vector<TensorToWrite>& tensors,
                                const std::map<std::string, std::string>& metadata) {
  const std::vector<size_t> order = writing_order(tensors, path.string());
  const std::string head = with_length(header_json(tensors, order, metadata, path.string()));
  return {path, [&](std::ostream& out) {
            out << head;
            for (const size_t i : order) write_tensor(tensors[i], path.string(), out);
          }};
}

void write_safetensors(const std::filesystem::path& path, const std::vector<TensorToWrite>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  prepare_safetensors(path, tensors, metadata).take_place();
}

}  // namespace fovea
