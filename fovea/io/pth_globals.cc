#include "fovea/io/pth_globals.h"

#include <algorithm>
#include <iterator>

namespace fovea {
namespace {

struct StorageType {
  std::string_view global;
  StorageFormat format;
};

constexpr StorageType kStorages[] = {
    {"torch FloatStorage", {"F32", 4}},     {"torch HalfStorage", {"F16", 2}},
    {"torch BFloat16Storage", {"BF16", 2}}, {"torch DoubleStorage", {"F64", 8}},
    {"torch LongStorage", {"I64", 8}},      {"torch IntStorage", {"I32", 4}},
    {"torch ShortStorage", {"I16", 2}},     {"torch CharStorage", {"I8", 1}},
    {"torch ByteStorage", {"U8", 1}},       {"torch BoolStorage", {"BOOL", 1}},
};

constexpr std::string_view kDtypes[] = {
    "float32",        "float64",
    "float16",        "bfloat16",
    "float",          "double",
    "half",           "uint8",
    "int8",           "int16",
    "int32",          "int64",
    "short",          "int",
    "long",           "bool",
    "uint16",         "uint32",
    "uint64",         "complex32",
    "complex64",      "complex128",
    "chalf",          "cfloat",
    "cdouble",        "quint8",
    "qint8",          "qint32",
    "float8_e4m3fn",  "float8_e4m3fnuz",
    "float8_e5m2",    "float8_e5m2fnuz",
    "float8_e8m0fnu", "float4_e2m1fn_x2",
};

constexpr std::string_view kOthers[] = {
    "torch Size",
    "torch device",
    "torch._utils _rebuild_tensor",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
    "collections OrderedDict",
    "collections Counter",
    "collections defaultdict",
    "argparse Namespace",
    "_codecs encode",
    "numpy dtype",
    "numpy ndarray",
    "numpy.core.multiarray scalar",
    "numpy.core.multiarray _reconstruct",
    "numpy._core.multiarray scalar",
    "numpy._core.multiarray _reconstruct",
};

constexpr std::string_view kBuiltins[] = {"set", "frozenset", "list",    "dict",
                                          "int", "float",     "complex", "bytearray"};

constexpr std::string_view kPaths[] = {"Path",     "PosixPath",     "WindowsPath",
                                       "PurePath", "PurePosixPath", "PureWindowsPath"};

template <typename List>
bool holds(const List& list, std::string_view text) {
  return std::ranges::find(list, text) != std::end(list);
}

}  // namespace

bool is_allowed_in_pth(std::string_view global) {
  if (holds(kOthers, global) || storage_format(global)) return true;
  const size_t blank = global.find(' ');
  if (blank == std::string_view::npos) return false;
  const std::string_view module = global.substr(0, blank);
  const std::string_view name = global.substr(blank + 1);
  if (module == "torch") return holds(kDtypes, name);
  if (module == "builtins" || module == "__builtin__") return holds(kBuiltins, name);
  // Python 3.13 says _local.
  return (module == "pathlib" || module == "pathlib._local") && holds(kPaths, name);
}

std::optional<StorageFormat> storage_format(std::string_view global) {
  const auto* found = std::ranges::find(kStorages, global, &StorageType::global);
  return found == std::end(kStorages) ? std::nullopt : std::optional(found->format);
}

bool makes_tensor(std::string_view global) {
  return global == "torch._utils _rebuild_tensor_v2" || global == "torch._utils _rebuild_tensor" ||
         makes_parameter(global);
}

bool makes_parameter(std::string_view global) {
  return global == "torch._utils _rebuild_parameter";
}

}  // namespace fovea
