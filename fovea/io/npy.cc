// The .npy format: a magic string, a version, a Python dictionary as text, then the numbers.
#include "fovea/io/npy.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

#include "fovea/io/convert.h"
#include "fovea/io/fail.h"
#include "fovea/io/file.h"

namespace fovea {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMostExtents = 64;  // as NumPy allows

struct Header {
  std::optional<std::string> dtype;
  std::optional<bool> fortran_order;
  std::optional<Shape> shape;
};

// Reads the dictionary; just the literals that NumPy writes there.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  Header parse() {
    Header header;
    expect('{', "a dictionary");
    while (!accept('}')) {
      const std::string key = parse_string("a key");
      expect(':', "a colon after the key");
      parse_value(key, header);
      if (accept(',')) continue;
      expect('}', "a comma or the end of the dictionary");
      break;
    }
    skip_space();
    if (!text_.empty()) fail_here("nothing after the dictionary");
    if (!header.dtype) fail("{}: the npy header has no 'descr'", file_);
    if (!header.fortran_order) fail("{}: the npy header has no 'fortran_order'", file_);
    if (!header.shape) fail("{}: the npy header has no 'shape'", file_);
    return header;
  }

 private:
  void parse_value(const std::string& key, Header& header) {
    const auto set = [&](auto& field, auto value) {
      if (field) fail("{}: the npy header has the key '{}' twice", file_, key);
      field = std::move(value);
    };
    if (key == "descr") return set(header.dtype, parse_string("a plain dtype"));
    if (key == "fortran_order") return set(header.fortran_order, parse_bool());
    if (key == "shape") return set(header.shape, parse_shape());
    fail("{}: the npy header has the key '{}'; expected descr, fortran_order and shape", file_,
         printable(key));
  }

  std::string parse_string(const char* what) {
    skip_space();
    const char quote = text_.empty() ? '\0' : text_.front();
    const size_t end =
        quote == '\'' || quote == '"' ? text_.find(quote, 1) : std::string_view::npos;
    if (end == std::string_view::npos) fail_here(what);
    std::string value(text_.substr(1, end - 1));
    text_.remove_prefix(end + 1);
    return value;
  }

  bool parse_bool() {
    skip_space();
    for (const auto& [word, value] : {std::pair("True", true), std::pair("False", false)}) {
      if (!text_.starts_with(word)) continue;
      text_.remove_prefix(std::string_view(word).size());
      return value;
    }
    fail_here("True or False");
  }

  Shape parse_shape() {
    Shape shape;
    expect('(', "a shape in parentheses");
    while (!accept(')')) {
      shape.push_back(parse_extent());
      if (shape.size() > kMostExtents) fail("{}: more than {} dimensions", file_, kMostExtents);
      if (accept(',')) continue;
      // Python's (3) is a number, not a shape.
      if (shape.size() == 1) fail_here("a comma after the only extent");
      expect(')', "a comma or the end of the shape");
      break;
    }
    return shape;
  }

  int64_t parse_extent() {
    skip_space();
    int64_t extent = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), extent);
    if (error != std::errc() || extent < 0) fail_here("an integer from 0 to 2^63 - 1");
    text_.remove_prefix(static_cast<size_t>(end - text_.data()));
    return extent;
  }

  void skip_space() {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \t\r\n"), text_.size()));
  }

  bool accept(char character) {
    skip_space();
    if (!text_.starts_with(character)) return false;
    text_.remove_prefix(1);
    return true;
  }

  void expect(char character, const char* what) {
    if (!accept(character)) fail_here(what);
  }

  [[noreturn]] void fail_here(const char* expected) const {
    constexpr size_t kShown = 20;
    fail("{}: the npy header has '{}'; expected {}", file_, printable(text_.substr(0, kShown)),
         expected);
  }

  std::string_view text_;  // what is left of it
  const std::string& file_;
};

struct Layout {
  std::string_view header;
  std::span<const std::byte> data;
};

// Takes the file apart, by the version and the header's length.
Layout split(std::span<const std::byte> bytes, const std::string& file) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  constexpr size_t kVersionEnd = kMagic.size() + 2;
  if (!text.starts_with(kMagic) || text.size() < kVersionEnd) {
    fail("{}: does not start as an npy file does", file);
  }
  const int major = static_cast<unsigned char>(text[kMagic.size()]);
  const int minor = static_cast<unsigned char>(text[kMagic.size() + 1]);
  if (major < 1 || major > 3 || minor != 0) {
    fail("{}: has npy version {}.{}; expected 1.0, 2.0 or 3.0", file, major, minor);
  }
  const size_t header_begin = kVersionEnd + (major == 1 ? 2 : 4);
  uint32_t length = 0;
  if (text.size() >= header_begin) {
    std::memcpy(&length, text.data() + kVersionEnd, header_begin - kVersionEnd);
  }
  if (text.size() < header_begin || length > text.size() - header_begin) {
    fail("{}: ends within the npy header; is the file truncated?", file);
  }
  return {text.substr(header_begin, length), bytes.subspan(header_begin + length)};
}

size_t element_size(const std::string& dtype, const std::string& file) {
  if (dtype == "<f2") return sizeof(uint16_t);
  if (dtype == "<f4") return sizeof(float);
  if (dtype == "<f8") return sizeof(double);
  fail("{}: has dtype {}; expected <f4, <f2 or <f8", file, printable(dtype));
}

std::vector<float> convert(std::span<const std::byte> data, const std::string& dtype) {
  if (dtype == "<f2") return convert_to_floats<uint16_t, half_to_float>(data);
  if (dtype == "<f4") return convert_to_floats<float, std::identity{}>(data);
  return convert_to_floats<double, [](double value) { return static_cast<float>(value); }>(data);
}

}  // namespace

Array parse_npy(std::span<const std::byte> bytes, const std::string& name) {
  const Layout layout = split(bytes, name);
  Header header = HeaderParser(layout.header, name).parse();
  const size_t size = element_size(*header.dtype, name);
  if (*header.fortran_order) fail("{}: is in Fortran order; expected C order", name);
  const std::optional<int64_t> count = checked_elements(*header.shape);
  if (!count) fail("{}: shape {} is too large", name, to_string(*header.shape));
  const size_t expected = static_cast<size_t>(*count) * size;
  if (layout.data.size() != expected) {
    fail("{}: {} of shape {} needs {} bytes, but {} follow the header{}", name, *header.dtype,
         to_string(*header.shape), expected, layout.data.size(),
         layout.data.size() < expected ? "; is the file truncated?" : "");
  }
  return Array(std::move(*header.shape), convert(layout.data, *header.dtype));
}

Array read_npy(const std::filesystem::path& path) {
  return parse_npy(MappedFile::open(path).bytes(), path.string());
}

std::string npy_dtype(const std::filesystem::path& path) {
  const MappedFile file = MappedFile::open(path);
  const std::string name = path.string();
  return *HeaderParser(split(file.bytes(), name).header, name).parse().dtype;
}

std::string npy_header(const Shape& shape, const std::string& dtype) {
  const std::string list = to_string(shape);  // "[2, 3]"; Python's tuple of one has a comma
  const std::string extents = list.substr(1, list.size() - 2) + (shape.size() == 1 ? "," : "");
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", dtype, extents);
  constexpr size_t kPrefix = kMagic.size() + 4;
  const size_t end = (kPrefix + header.size() + 1 + 63) / 64 * 64;
  header.resize(end - kPrefix - 1, ' ');
  header += '\n';
  const auto length = static_cast<uint16_t>(header.size());
  std::string text(kMagic);
  text += {'\x01', '\x00', static_cast<char>(length & 0xFF), static_cast<char>(length >> 8)};
  return text + header;
}

void write_npy(const std::filesystem::path& path, const Array& array) {
  if (array.shape.size() > kMostExtents ||
      checked_elements(array.shape) != static_cast<int64_t>(array.data.size())) {
    fail("{}: {} values can't be written as an array of shape {}", path.string(), array.data.size(),
         to_string(array.shape));
  }
  write_atomically(path, [&array](std::ostream& out) {
    out << npy_header(array.shape);
    out.write(reinterpret_cast<const char*>(array.data.data()),
              static_cast<std::streamsize>(array.data.size() * sizeof(float)));
  });
}

}  // namespace fovea
