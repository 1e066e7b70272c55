#include "fovea/model/regroup.h"

#include <fmt/format.h>

#include <charconv>

#include "fovea/io/fail.h"

namespace fovea {

Architecture regrouped(const Architecture& architecture, int branches) {
  if (architecture.block.branches > 1) {
    fail("the model has {} branches in each layer; expected one, to be regrouped",
         architecture.block.branches);
  }
  if (branches < 2 || architecture.depth % branches != 0) {
    fail("{} layers can't be shared out to {} branches; expected a divisor from 2 on",
         architecture.depth, branches);
  }
  Architecture parallel = architecture;
  parallel.block.branches = branches;
  parallel.depth = architecture.depth / branches;
  return parallel;
}

std::string regrouped_name(std::string_view name, int branches) {
  constexpr std::string_view kBlocks = "blocks.";
  if (!name.starts_with(kBlocks)) return std::string(name);
  // blocks.L.attns.0.REST or blocks.L.ffns.0.REST
  int layer = 0;
  const char* end = name.data() + name.size();
  const char* kind = std::from_chars(name.data() + kBlocks.size(), end, layer).ptr;
  const std::string_view rest(kind, end);
  const size_t branch = rest.find(".0.");
  return fmt::format("blocks.{}{}.{}.{}", layer / branches, rest.substr(0, branch),
                     layer % branches, rest.substr(branch + 3));
}

}  // namespace fovea
