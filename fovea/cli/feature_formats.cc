#include "fovea/cli/feature_formats.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string_view>
#include <system_error>

#include "fovea/data/folder.h"
#include "fovea/io/convert.h"
#include "fovea/io/csv.h"
#include "fovea/io/fail.h"
#include "fovea/io/file.h"
#include "fovea/io/npy.h"
#include "fovea/io/safetensors.h"

namespace fovea::cli {
namespace {

namespace fs = std::filesystem;

// A JSON list; U+FFFD stands for bytes that are no UTF-8, which JSON can't hold.
std::string names_json(const std::vector<std::string>& names) {
  return nlohmann::json(names).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

Shape shape_of(const RowFile& rows, size_t count) {
  Shape shape = rows.row_shape();
  shape.insert(shape.begin(), static_cast<int64_t>(count));
  return shape;
}

void write_bytes(std::ostream& out, std::span<const std::byte> bytes) {
  out.write(reinterpret_cast<const char*>(bytes.data()),
            static_cast<std::streamsize>(bytes.size()));
}

void write_values(const RowStorage& storage, const RowFile& rows, std::span<const size_t> order,
                  std::ostream& out) {
  std::vector<uint16_t> halves;
  rows.read(order, [&](std::span<const float> row) {
    if (!storage.half) return write_bytes(out, std::as_bytes(row));
    halves.clear();
    for (const float value : row) halves.push_back(float_to_half(value));
    write_bytes(out, std::as_bytes(std::span(halves)));
  });
}

std::string csv_head(int64_t width) {
  std::string head = "file";
  for (int64_t i = 0; i < width; ++i) head += fmt::format(",{}", i);
  return head + '\n';
}

// Nine digits tell all floats apart.
void write_csv(const RowFile& rows, std::span<const size_t> order,
               const std::vector<std::string>& names, std::ostream& out) {
  out << csv_head(elements(rows.row_shape()));
  auto name = names.begin();
  std::string line;
  rows.read(order, [&](std::span<const float> row) {
    line = csv_row({*name++});
    line.pop_back();
    for (const float value : row) line += fmt::format(",{:.9g}", value);
    out << line << '\n';
  });
}

TensorToWrite described(const RowStorage& storage, Shape shape) {
  return {"features", storage.half ? "F16" : "F32", std::move(shape), {}};
}

[[noreturn]] void fail_to_match(const fs::path& path) {
  fail("{}: has other names than the file of names; expected both of one run", path.string());
}

float number_of(const std::string& field, const fs::path& path, size_t line) {
  float number = 0;
  const char* const end = field.data() + field.size();
  const auto [rest, error] = std::from_chars(field.data(), end, number);
  if (error != std::errc() || rest != end) {
    fail("{}: line {} has {}; expected a number", path.string(), line, printable(field));
  }
  return number;
}

Array read_csv(const fs::path& path, const std::vector<std::string>& names) {
  const MappedFile file = MappedFile::open(path);
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()),
                              file.bytes().size());
  Array rows;
  size_t width = 0;  // of a line; 0 before the first
  size_t count = 0;
  parse_csv(text, path.string(), [&](const std::vector<std::string>& fields, size_t line) {
    if (width == 0) {
      width = fields.size();
      if (fields.front() != "file") fail("{}: expected file,0,1,... at first", path.string());
      return;
    }
    if (fields.size() != width) {
      fail("{}: line {} has {} fields; expected {}", path.string(), line, fields.size(), width);
    }
    if (count >= names.size() || fields.front() != names[count]) fail_to_match(path);
    ++count;
    for (size_t i = 1; i < width; ++i) rows.data.push_back(number_of(fields[i], path, line));
  });
  if (count != names.size()) fail_to_match(path);
  rows.shape = {static_cast<int64_t>(count), static_cast<int64_t>(width) - 1};
  return rows;
}

void check_dtype(const fs::path& path, const std::string& found, const std::string& wanted) {
  if (found == wanted) return;
  fail("{}: its rows are {}; expected {}, as --output-dtype says", path.string(), found, wanted);
}

Array read_tensor(const fs::path& path, bool half, const std::vector<std::string>& names) {
  const SafeTensors file = SafeTensors::open(path);
  const auto found = file.tensors().find("features");
  if (found == file.tensors().end()) fail("{}: has no tensor features", path.string());
  check_dtype(path, found->second.dtype, half ? "F16" : "F32");
  const auto stored = file.metadata().find("names");
  if (stored == file.metadata().end() || stored->second != names_json(names)) fail_to_match(path);
  return {found->second.shape, to_floats(found->second, path.string())};
}

}  // namespace

RowFormat row_format_of(const fs::path& path) {
  std::error_code ignored;
  const fs::file_status status = fs::status(path, ignored);
  const bool is_device = fs::exists(status) && !fs::is_regular_file(status);
  const std::string ending = ending_of(path.native());
  if (ending == ".npy" || (is_device && ending.empty())) return RowFormat::npy;
  if (ending == ".csv") return RowFormat::csv;
  if (ending == ".safetensors") return RowFormat::safetensors;
  fail("--output {}: expected a name that ends in .npy, .csv or .safetensors", path.string());
}

Replacement prepare_rows(const fs::path& path, const RowStorage& storage, const RowFile& rows,
                         std::span<const size_t> order, const std::vector<std::string>& names) {
  const Shape shape = shape_of(rows, order.size());
  return {path, [&](std::ostream& out) {
            if (storage.format == RowFormat::csv) return write_csv(rows, order, names, out);
            if (storage.format == RowFormat::npy) {
              out << npy_header(shape, storage.half ? "<f2" : "<f4");
            } else {
              out << safetensors_head(described(storage, shape), {{"names", names_json(names)}},
                                      path.string());
            }
            write_values(storage, rows, order, out);
          }};
}

Array read_rows(const fs::path& path, const RowStorage& storage,
                const std::vector<std::string>& names) {
  if (storage.format == RowFormat::csv) return read_csv(path, names);
  if (storage.format == RowFormat::safetensors) return read_tensor(path, storage.half, names);
  check_dtype(path, npy_dtype(path), storage.half ? "<f2" : "<f4");
  return read_npy(path);
}

void check_names_fit(const fs::path& path, RowFormat format,
                     const std::vector<std::string>& names) {
  if (format != RowFormat::safetensors) return;
  safetensors_head(described({}, {static_cast<int64_t>(names.size()), 1}),
                   {{"names", names_json(names)}}, path.string());
}

}  // namespace fovea::cli
