// The two formats around the pickle: a zip of records, and pickles one after the other.
#include "fovea/io/pth.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "fovea/io/fail.h"
#include "fovea/io/pickle.h"
#include "fovea/io/pth_globals.h"
#include "fovea/io/pth_tensors.h"
#include "fovea/io/pth_tree.h"
#include "fovea/io/stored_zip.h"

namespace fovea {
namespace {

using std::string_view_literals::operator""sv;
using Bytes = std::span<const std::byte>;
using Kind = Pickle::Kind;

constexpr std::string_view kZip = "PK\x03\x04"sv;
constexpr std::string_view kEmptyZip = "PK\x05\x06"sv;
// The pickle of 0x1950a86a20f9469cfc6c.
constexpr std::string_view kLegacy = "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20j\xa8P\x19."sv;
constexpr int64_t kProtocol = 1001;

std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool ends_with_all(const StoredZip& zip, std::string_view ending) {
  return std::ranges::all_of(zip.records(),
                             [&](const auto& record) { return record.first.ends_with(ending); });
}

// Zips that are something else, by the names in them.
void refuse_others(const StoredZip& zip, const std::string& name) {
  constexpr const char* kExpected =
      "expected tensors alone, as torch.save(model.state_dict(), ...) "
      "writes them";
  if (!zip.records().empty() && ends_with_all(zip, ".npy")) {
    fail("{}: is an npz file of NumPy arrays; expected safetensors or torch's .pth", name);
  }
  for (const auto& [record, _] : zip.records()) {
    const std::string_view inner = std::string_view(record).substr(record.find('/') + 1);
    if (inner == "constants.pkl" || inner.starts_with("code/")) {
      fail("{}: is TorchScript, a program that torch.jit.save wrote; {}", name, kExpected);
    }
    if (inner == "archive_format" || inner == "archive_version") {
      fail("{}: is a program that torch.export.save wrote; {}", name, kExpected);
    }
  }
}

// "X/" of the one record X/data.pkl.
std::string folder_of(const StoredZip& zip, const std::string& name) {
  std::string folder;
  for (const auto& [record, _] : zip.records()) {
    const size_t slash = record.find('/');
    if (slash == std::string::npos || record.substr(slash) != "/data.pkl") continue;
    if (!folder.empty())
      fail("{}: has {}data.pkl and {}; expected one", name, printable(folder), printable(record));
    folder = record.substr(0, slash + 1);
  }
  if (!folder.empty()) return folder;
  const std::string first = zip.records().empty() ? "" : zip.records().begin()->first;
  fail("{}: is a zip file without data.pkl ({}); expected one that torch.save wrote", name,
       first.empty() ? "it is empty" : "it has " + printable(first));
}

void check_byte_order(const StoredZip& zip, const std::string& record, const std::string& name) {
  if (!zip.records().contains(record)) return;
  const std::string_view order = as_text(zip.read(record));
  if (order != "little") {
    fail("{}: its numbers are stored in byte order {}; expected little", name, printable(order));
  }
}

PthFile parse_zip(Bytes bytes, const std::string& name, const std::string& key) {
  const StoredZip zip = StoredZip::parse(bytes, name);
  refuse_others(zip, name);
  const std::string folder = folder_of(zip, name);
  for (const auto& [record, _] : zip.records()) zip.read(record);  // says what is wrong with it
  check_byte_order(zip, folder + "byteorder", name);
  const Pickle pickle = Pickle::parse(zip.read(folder + "data.pkl"), name, is_allowed_in_pth);
  FoundDict found = find_tensors(pickle, key, name);
  const auto read = [&](const StorageId& id) {
    if (id.view) fail("{}: storage {} is a view, which zips don't have", name, printable(id.key));
    const Bytes record = zip.read(folder + "data/" + id.key);
    const auto width = static_cast<size_t>(id.format.width);
    if (record.size() % width != 0 || record.size() / width != static_cast<uint64_t>(id.elements)) {
      fail("{}: storage {} is of {} {} numbers, but its record has {} bytes", name,
           printable(id.key), id.elements, id.format.dtype, record.size());
    }
    return record;
  };
  PthFile file = read_tensors(pickle, found.dict, read, bytes.size(), name);
  file.note = std::move(found.note);
  return file;
}

// Pickles one behind the other.
class Pickles {
 public:
  Pickles(Bytes bytes, const std::string& name) : rest_(bytes), name_(name) {}

  Pickle next() {
    Pickle pickle = Pickle::parse(rest_, name_, is_allowed_in_pth);
    rest_ = rest_.subspan(pickle.size());
    return pickle;
  }
  Bytes rest() const { return rest_; }

 private:
  Bytes rest_;
  const std::string& name_;
};

void check_preamble(Pickles& pickles, const std::string& name) {
  const Pickle protocol = pickles.next();
  if (protocol.kind(protocol.root()) != Kind::integer ||
      protocol.integer(protocol.root()) != kProtocol) {
    fail("{}: is of torch's protocol {}; expected {}", name, protocol.describe(protocol.root()),
         kProtocol);
  }
  const Pickle system = pickles.next();
  const std::vector<Pickle::Id> items = system.items(system.root());
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    if (system.text(items[i]) != "little_endian") continue;
    if (system.kind(items[i + 1]) != Kind::boolean || system.integer(items[i + 1]) != 1)
      fail("{}: its numbers are not stored in little-endian order; expected that", name);
  }
}

struct LegacyStorage {
  StorageFormat format;
  int64_t elements;
  Bytes bytes = {};
};
using LegacyStorages = std::map<std::string, LegacyStorage>;

// All that the pickle names: what follows says neither formats nor sizes.
LegacyStorages storages_of(const Pickle& pickle, const std::string& name) {
  LegacyStorages storages;
  for (Pickle::Id id = 0; id < pickle.count(); ++id) {
    if (pickle.kind(id) != Kind::stored) continue;
    const StorageId storage = storage_id(pickle, id, name);
    const LegacyStorage found{storage.format, storage.elements};
    const LegacyStorage& known = storages.emplace(storage.key, found).first->second;
    if (known.format.dtype != found.format.dtype || known.elements != found.elements)
      fail("{}: storage {} is described in two ways", name, printable(storage.key));
  }
  return storages;
}

// What follows the pickles: for each key a count and the numbers.
void find_bytes(Pickles& pickles, LegacyStorages& storages, const std::string& name) {
  const Pickle keys = pickles.next();
  if (keys.kind(keys.root()) != Kind::list) fail("{}: lacks the list of its storages", name);
  Bytes rest = pickles.rest();
  for (const Pickle::Id id : keys.items(keys.root())) {
    const auto found = storages.find(std::string(keys.text(id)));
    if (found == storages.end() || found->second.bytes.data() != nullptr) {
      fail("{}: lists storage {}, which {}", name, printable(keys.text(id)),
           found == storages.end() ? "no tensor has" : "it has listed already");
    }
    LegacyStorage& storage = found->second;
    int64_t count = 0;
    if (rest.size() < sizeof(count))
      fail("{}: ends before its last storage; is it truncated?", name);
    std::memcpy(&count, rest.data(), sizeof(count));
    rest = rest.subspan(sizeof(count));
    const auto width = static_cast<size_t>(storage.format.width);
    if (count != storage.elements || static_cast<uint64_t>(count) > rest.size() / width) {
      fail("{}: storage {} is of {} {} numbers, but {} are announced and {} bytes follow", name,
           printable(found->first), storage.elements, storage.format.dtype, count, rest.size());
    }
    storage.bytes = rest.first(static_cast<size_t>(count) * width);
    rest = rest.subspan(storage.bytes.size());
  }
}

PthFile parse_legacy(Bytes bytes, const std::string& name, const std::string& key) {
  Pickles pickles(bytes.subspan(kLegacy.size()), name);
  check_preamble(pickles, name);
  const Pickle pickle = pickles.next();
  LegacyStorages storages = storages_of(pickle, name);
  find_bytes(pickles, storages, name);
  FoundDict found = find_tensors(pickle, key, name);
  const auto read = [&](const StorageId& id) {
    const LegacyStorage& storage = storages.at(id.key);
    if (storage.bytes.data() == nullptr) {
      fail("{}: storage {} is not in the file", name, printable(id.key));
    }
    if (!id.view) return storage.bytes;
    const auto& [view, offset, elements] = *id.view;
    if (offset > storage.elements || elements > storage.elements - offset) {
      fail("{}: view {} of storage {} reaches past it", name, printable(view), printable(id.key));
    }
    const auto width = static_cast<size_t>(storage.format.width);
    return storage.bytes.subspan(static_cast<size_t>(offset) * width,
                                 static_cast<size_t>(elements) * width);
  };
  PthFile file = read_tensors(pickle, found.dict, read, bytes.size(), name);
  file.note = std::move(found.note);
  return file;
}

}  // namespace

bool is_pth(Bytes bytes) {
  const std::string_view text = as_text(bytes);
  return text.starts_with(kZip) || text.starts_with(kEmptyZip) || text.starts_with(kLegacy);
}

PthFile parse_pth(Bytes bytes, const std::string& name, const std::string& key) {
  return as_text(bytes).starts_with(kLegacy) ? parse_legacy(bytes, name, key)
                                             : parse_zip(bytes, name, key);
}

}  // namespace fovea
