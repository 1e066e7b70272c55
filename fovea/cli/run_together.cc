#include "fovea/cli/run_together.h"

#include <fmt/format.h>

#include <new>

#include "fovea/cli/commands.h"
#include "fovea/cli/console.h"

namespace fovea::cli {

int run_together(const std::function<int(const Processes&)>& command) {
  const Processes processes;
  if (!processes.is_first()) leave_out_notes();
  try {
    return command(processes);
  } catch (const CommonError&) {
    if (processes.is_first()) throw;
    return kRefused;
  } catch (const std::bad_alloc&) {
    if (processes.size() == 1) throw;
    complain_of_memory();
    processes.abort(kRefused);
  } catch (const std::exception& error) {
    if (processes.size() == 1) throw;
    complain(fmt::format("process {} of {}: {}", processes.rank(), processes.size(), error.what()));
    processes.abort(kRefused);
  }
}

}  // namespace fovea::cli
