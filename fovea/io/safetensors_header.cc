// The header as a stream of JSON events: memory stays in proportion to the file, and nesting ends
// at the first level that the format does not have.
#include "fovea/io/safetensors_header.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "fovea/io/fail.h"

namespace fovea {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostExtents = 64;  // as NumPy and PyTorch allow

class HeaderReader : public nlohmann::json_sax<Json> {
 public:
  HeaderReader(const std::string& file, SafeTensorsHeader& header) : file_(file), header_(header) {}

  bool null() override {
    if (place_ != Place::file || name_ != kMetadata) refuse("null");
    return true;  // as the official reader takes it: no metadata
  }
  bool boolean(bool value) override { refuse(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { refuse(std::to_string(value)); }
  bool number_float(number_float_t /*value*/, const string_t& text) override { refuse(text); }
  bool binary(binary_t& /*value*/) override { refuse("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::shape && place_ != Place::offsets) refuse(std::to_string(value));
    if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      refuse(std::to_string(value));
    }
    const auto number = static_cast<int64_t>(value);
    if (place_ == Place::offsets) {
      if (offsets_ == 2) refuse("a third number");
      (offsets_++ == 0 ? entry_.begin : entry_.end) = number;
    } else {
      if (entry_.shape.size() == kMostExtents) {
        fail("{}: tensor {} has more than {} dimensions", file_, printable(name_), kMostExtents);
      }
      entry_.shape.push_back(number);
    }
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::tensor && key_ == "dtype") {
      entry_.dtype = std::move(value);
    } else if (place_ == Place::metadata) {
      header_.metadata.emplace(key_, std::move(value));
    } else {
      refuse(fmt::format("\"{}\"", printable(value)));
    }
    return true;
  }

  bool start_object(size_t /*size*/) override {
    if (place_ == Place::outside) {
      place_ = Place::file;
    } else if (place_ == Place::file && name_ == kMetadata) {
      place_ = Place::metadata;
    } else if (place_ == Place::file) {
      place_ = Place::tensor;
      entry_ = {};
      offsets_ = 0;
      seen_.clear();
    } else {
      refuse("an object");
    }
    return true;
  }

  bool key(string_t& key) override {
    if (place_ == Place::file) {
      const bool again = key == kMetadata ? had_metadata_ : header_.tensors.contains(key);
      if (again) fail("{}: tensor {} is in the header twice", file_, printable(key));
      had_metadata_ |= key == kMetadata;
      name_ = std::move(key);
      return true;
    }
    if (place_ == Place::metadata) {
      if (header_.metadata.contains(key)) {
        fail("{}: {} has the key {} twice", file_, kMetadata, printable(key));
      }
    } else if (key != "dtype" && key != "shape" && key != "data_offsets") {
      fail("{}: tensor {} has the key {}; expected dtype, shape and data_offsets", file_,
           printable(name_), printable(key));
    } else if (!seen_.insert(key).second) {
      fail("{}: tensor {} has the key {} twice", file_, printable(name_), key);
    }
    key_ = std::move(key);
    return true;
  }

  bool end_object() override {
    if (place_ == Place::tensor) {
      for (const char* expected : {"dtype", "shape", "data_offsets"}) {
        if (!seen_.contains(expected)) {
          fail("{}: tensor {} has no {}", file_, printable(name_), expected);
        }
      }
      header_.tensors.emplace(name_, std::move(entry_));
    }
    place_ = place_ == Place::file ? Place::outside : Place::file;
    return true;
  }

  bool start_array(size_t /*size*/) override {
    if (place_ != Place::tensor || key_ == "dtype") refuse("a list");
    place_ = key_ == "shape" ? Place::shape : Place::offsets;
    return true;
  }

  bool end_array() override {
    if (place_ == Place::offsets && offsets_ != 2) {
      refuse(offsets_ == 0 ? "an empty list" : "one number");
    }
    place_ = Place::tensor;
    return true;
  }

  bool parse_error(size_t position, const std::string& last_token,
                   const nlohmann::detail::exception& error) override {
    constexpr int kNumberOverflow = 406;
    if (error.id == kNumberOverflow) refuse(printable(last_token));
    fail("{}: the header is not valid JSON at byte {}", file_, position);
  }

 private:
  enum class Place { outside, file, metadata, tensor, shape, offsets };
  static constexpr const char* kMetadata = "__metadata__";

  // Where we are and what the format has there.
  std::pair<std::string, const char*> expectation() const {
    switch (place_) {
      case Place::outside:
        return {"the header", "an object"};
      case Place::file:
        return {name_ == kMetadata ? name_ : "tensor " + printable(name_), "an object"};
      case Place::metadata:
        return {fmt::format("{} {}", kMetadata, printable(key_)), "a string"};
      default:
        break;
    }
    const char* expected = key_ == "dtype"   ? "a string"
                           : key_ == "shape" ? "a list of integers from 0 to 2^63 - 1"
                                             : "a list of two integers from 0 to 2^63 - 1";
    return {fmt::format("{} of tensor {}", key_, printable(name_)), expected};
  }

  [[noreturn]] void refuse(const std::string& found) const {
    const auto [where, expected] = expectation();
    const bool in_list = place_ == Place::shape || place_ == Place::offsets;
    fail("{}: {} {} {}; expected {}", file_, where, in_list ? "has" : "is", found, expected);
  }

  const std::string& file_;
  SafeTensorsHeader& header_;
  Place place_ = Place::outside;
  std::string name_;  // of the tensor, or __metadata__
  std::string key_;   // within it
  HeaderEntry entry_;
  int offsets_ = 0;  // how many were read
  std::set<std::string> seen_;
  bool had_metadata_ = false;
};

}  // namespace

SafeTensorsHeader parse_safetensors_header(std::string_view json, const std::string& file) {
  // The parser would take white space before it, and a zero byte for its end.
  if (!json.starts_with('{')) fail("{}: the header does not start with {{", file);
  if (const size_t zero = json.find('\0'); zero != std::string_view::npos) {
    fail("{}: the header is not valid JSON at byte {}", file, zero + 1);
  }
  SafeTensorsHeader header;
  HeaderReader reader(file, header);
  Json::sax_parse(json, &reader);
  return header;
}

}  // namespace fovea
