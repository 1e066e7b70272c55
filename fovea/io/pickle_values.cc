// What a pickle's values are, once it was read.
#include "fovea/io/fail.h"
#include "fovea/io/pickle.h"

namespace fovea {

using Kind = Pickle::Kind;

std::string_view Pickle::text(Id id) const {
  const Value& value = values_[id];
  if (value.kind == Kind::global) return globals_[static_cast<size_t>(value.integer)];
  if (value.kind != Kind::text) return {};
  return bytes_.substr(static_cast<size_t>(value.integer), value.items);
}

std::vector<Pickle::Id> Pickle::items(Id id) const {
  std::vector<Id> all;
  const Value& value = values_[id];
  if (value.kind == Kind::text) return all;
  all.reserve(value.items);
  for (uint32_t link = value.first; link != kNothing; link = links_[link].next)
    all.push_back(links_[link].item);
  return all;
}

std::string Pickle::describe(Id id) const {
  switch (kind(id)) {
    case Kind::none:
      return "None";
    case Kind::boolean:
      return integer(id) != 0 ? "True" : "False";
    case Kind::integer:
      return fmt::format("the number {}", integer(id));
    case Kind::large_integer:
    case Kind::number:
      return "a number";
    case Kind::text:
      return "a text";
    case Kind::list:
      return fmt::format("a list of {}", length(id));
    case Kind::tuple:
      return fmt::format("a tuple of {}", length(id));
    case Kind::set:
      return "a set";
    case Kind::dict:
      return fmt::format("a dict of {}", length(id) / 2);
    case Kind::global:
    case Kind::stored:
      break;
    case Kind::object: {
      const std::string_view what = text(items(id).front());
      return what.starts_with("torch._utils _rebuild") ? "a tensor" : "an object";
    }
  }
  return "an object";
}

}  // namespace fovea
