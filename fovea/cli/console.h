// What the program says: results on standard output, everything else on standard error.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace fovea::cli {

// Results. Throw Error where standard output can't be written; the last bytes may fail only when
// they are flushed.
void print(std::string_view text);
void print_json_line(const nlohmann::ordered_json& object);
void flush_output();

// On standard error, as it is. Where that can't be written the work goes on.
void tell(std::string_view text);
// One line each, likewise.
void note(std::string_view text);      // "note: TEXT"
void leave_out_notes();                // from now on
void complain(std::string_view text);  // "fovea: TEXT"
void complain_of_memory() noexcept;    // that it is short, without asking for more

}  // namespace fovea::cli
