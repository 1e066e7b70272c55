// The machine of opcodes: what each that torch.save writes does, and that there are no others.
#include "fovea/io/pickle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "fovea/io/pth_globals.h"
#include "fovea/io/pth_testing.h"
#include "fovea/io/testing.h"

namespace fovea {
namespace {

using testing::HasSubstr;
using Kind = Pickle::Kind;
using std::string_view_literals::operator""sv;

// A pickle with the bytes that its texts are views of.
struct Read {
  std::string bytes;
  Pickle pickle;

  Kind kind() const { return pickle.kind(pickle.root()); }
  int64_t integer() const { return pickle.integer(pickle.root()); }
  std::string describe() const { return pickle.describe(pickle.root()); }
  // The numbers that it has for items.
  std::vector<int64_t> integers() const {
    std::vector<int64_t> numbers;
    for (const Pickle::Id id : pickle.items(pickle.root())) numbers.push_back(pickle.integer(id));
    return numbers;
  }
};

std::unique_ptr<Read> read(std::string_view value) {
  auto read = std::make_unique<Read>();
  read->bytes = pickle(std::string(value));
  read->pickle = Pickle::parse(as_bytes(read->bytes), "m.pth", is_allowed_in_pth);
  return read;
}
std::string error(std::string_view value) {
  return error_of([&] { read(value); });
}

TEST(Pickle, ReadsPlainValues) {
  EXPECT_EQ(read("N")->kind(), Kind::none);
  EXPECT_EQ(read("\x88")->describe(), "True");
  EXPECT_EQ(read("\x89")->describe(), "False");
  EXPECT_EQ(read("J\xfe\xff\xff\xff")->integer(), -2);
  EXPECT_EQ(read("K\xff")->integer(), 255);
  EXPECT_EQ(read("M\xff\xfe"sv)->integer(), 0xFEFF);
  EXPECT_EQ(read("\x8a\x00"sv)->integer(), 0);
  EXPECT_EQ(read("\x8a\x01\x80"sv)->integer(), -128);
  EXPECT_EQ(read("\x8a\x02\x00\x80"sv)->integer(), -32768);
  EXPECT_EQ(read("\x8a\x02\xff\x00"sv)->integer(), 255);
  EXPECT_EQ(read("\x8a\x08" + little(uint64_t{1} << 63, 8))->integer(), INT64_MIN);
  EXPECT_EQ(read("\x8a\x09" + std::string(9, '\1'))->kind(), Kind::large_integer);
  EXPECT_EQ(read("G" + std::string(8, '\0'))->kind(), Kind::number);
  const auto text = read(py_text("caf\xc3\xa9"));
  EXPECT_EQ(text->kind(), Kind::text);
  EXPECT_EQ(text->pickle.text(text->pickle.root()), "caf\xc3\xa9");
  const auto bytes = read(
      "U\x03"
      "a\nb");
  EXPECT_EQ(bytes->pickle.text(bytes->pickle.root()), "a\nb");
}

TEST(Pickle, ReadsContainers) {
  EXPECT_EQ(read("]")->describe(), "a list of 0");
  EXPECT_EQ(read("]K\1a")->integers(), std::vector<int64_t>({1}));
  EXPECT_EQ(read("](K\1K\2e")->integers(), std::vector<int64_t>({1, 2}));
  EXPECT_EQ(read(")")->describe(), "a tuple of 0");
  EXPECT_EQ(read("(K\1K\2K\3K\4t")->integers(), std::vector<int64_t>({1, 2, 3, 4}));
  EXPECT_EQ(read("K\1\x85")->integers(), std::vector<int64_t>({1}));
  EXPECT_EQ(read("K\1K\2\x86")->integers(), std::vector<int64_t>({1, 2}));
  EXPECT_EQ(read("K\1K\2K\3\x87")->integers(), std::vector<int64_t>({1, 2, 3}));
  EXPECT_EQ(read("}")->describe(), "a dict of 0");
  EXPECT_EQ(read("}K\1K\2s")->integers(), std::vector<int64_t>({1, 2}));
  EXPECT_EQ(read("}(K\1K\2K\3K\4u")->integers(), std::vector<int64_t>({1, 2, 3, 4}));
  EXPECT_EQ(read("\x8f")->describe(), "a set");
  // Marks within marks.
  EXPECT_EQ(read("](K\1(K\2K\3tK\4e")->describe(), "a list of 3");
}

TEST(Pickle, KeepsAndRecallsValues) {
  EXPECT_EQ(read("]K\7q\1ah\1a")->integers(), std::vector<int64_t>({7, 7}));
  EXPECT_EQ(read("]K\7r\1\0\0\0aj\1\0\0\0a"sv)->integers(), std::vector<int64_t>({7, 7}));
  // One that holds itself.
  const auto loop = read("]q\1h\1a");
  EXPECT_EQ(loop->pickle.items(loop->pickle.root()).front(), loop->pickle.root());
  EXPECT_THAT(error("h\1"), HasSubstr("recalls number 1, which it never kept, at byte 2"));
  EXPECT_THAT(error("Nr\xff\xff\xff\xff"), HasSubstr("remembers a value as number 4294967295"));
}

// What is built is a note of what it was, not the thing.
TEST(Pickle, CallsNothing) {
  const std::string size = py_global("torch", "Size");
  const auto called = read(size + "(K\1tR");
  EXPECT_EQ(called->kind(), Kind::object);
  EXPECT_EQ(called->pickle.text(called->pickle.first(called->pickle.root())), "torch Size");
  EXPECT_EQ(read(size + ")\x81")->kind(), Kind::object);
  EXPECT_EQ(read(py_global("argparse", "Namespace") + ")\x81}b")->kind(), Kind::object);
  const auto dict = read(py_global("collections", "OrderedDict") + ")RK\1K\2s}b");
  EXPECT_EQ(dict->kind(), Kind::dict);
  EXPECT_EQ(dict->integers(), std::vector<int64_t>({1, 2}));
  const auto stored = read("K\5\x85Q");
  EXPECT_EQ(stored->kind(), Kind::stored);
  EXPECT_EQ(stored->pickle.length(stored->pickle.root()), 1);
  EXPECT_THAT(error("K\1)R"), HasSubstr("calls the number 1"));
  EXPECT_THAT(error(size + "K\1R"), HasSubstr("calls an object"));
}

TEST(Pickle, NamesGlobalsThatAreNotAllowed) {
  for (const auto& [module, name] :
       std::vector<std::pair<std::string, std::string>>{{"os", "system"},
                                                        {"posix", "system"},
                                                        {"nt", "system"},
                                                        {"subprocess", "Popen"},
                                                        {"builtins", "eval"},
                                                        {"builtins", "exec"},
                                                        {"builtins", "getattr"},
                                                        {"__builtin__", "__import__"},
                                                        {"torch", "load"},
                                                        {"torch.hub", "load"},
                                                        {"torch.serialization", "_load"},
                                                        {"numpy", "load"},
                                                        {"runpy", "run_path"},
                                                        {"operator", "attrgetter"},
                                                        {"collections", "namedtuple"},
                                                        {"pathlib", "os"},
                                                        {"", ""}}) {
    EXPECT_THAT(error(py_global(module, name)), HasSubstr(module + "."));
    // Also where nothing hangs on it.
    EXPECT_NE(error(py_global(module, name) + "N"), "");
  }
  EXPECT_EQ(error(py_global("os", "system")),
            "m.pth: needs os.system, which only running its code could give; expected tensors "
            "alone, as torch.save(model.state_dict(), ...) writes them");
}

TEST(Pickle, KnowsNoOtherOpcodes) {
  const std::set<unsigned char> known = {
      0x80, '.', '(', '}', ']',  ')', 0x8f, 't', 0x85, 0x86, 0x87, 'a', 'e', 's', 'u',  'N', 0x88,
      0x89, 'J', 'K', 'M', 0x8a, 'G', 'X',  'U', 'q',  'r',  'h',  'j', 'c', 'R', 0x81, 'b', 'Q'};
  for (int code = 0; code < 256; ++code) {
    const std::string bytes(1, static_cast<char>(code));
    const std::string told = error("]]" + bytes + std::string(300, '\0'));
    const std::string refused =
        fmt::format("has the opcode 0x{:02x}, which torch.save does not", code);
    EXPECT_EQ(told.find(refused) == std::string::npos,
              known.contains(static_cast<unsigned char>(code)))
        << told;
  }
}

TEST(Pickle, IsOfProtocolTwo) {
  for (const char version : {0, 1, 3, 4, 5}) {
    const std::string bytes = std::string("\x80") + version + "N.";
    EXPECT_THAT(error_of([&] { Pickle::parse(as_bytes(bytes), "m.pth", is_allowed_in_pth); }),
                HasSubstr("expected 2, as torch.save writes"));
  }
}

TEST(Pickle, TakesNoMoreThanThereIs) {
  const std::string empty = "takes more from its stack than there is";
  for (const char* value :
       {"a", "]a", "s", "}K\1s", "R", "\x81", "b", "\x85", "K\1\x86", "\x87", "Q", "q\1", "Nb"}) {
    EXPECT_THAT(error(value), HasSubstr(empty)) << value;
  }
  for (const char* value : {"t", "]e", "}u"})
    EXPECT_THAT(error(value), HasSubstr("takes values to a mark that is not there")) << value;
  // Nothing is taken from below a mark.
  EXPECT_THAT(error("]K\1(a"), HasSubstr(empty));
  EXPECT_THAT(error("}(K\1u"), HasSubstr("sets a key without a value"));
  EXPECT_THAT(error("NK\1a"), HasSubstr("puts items into None"));
  EXPECT_THAT(error("]K\1K\1s"), HasSubstr("puts items into a list of 0"));
}

TEST(Pickle, IsCutNowhere) {
  const std::string whole =
      pickle(py_dict({{"a", py_tensor(py_storage("0", 4), 0, {4}, {1})}, {"b", py_ints({1, 2})}}));
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(error_of([&] {
                  Pickle::parse(as_bytes(std::string_view(whole).substr(0, size)), "m.pth",
                                is_allowed_in_pth);
                }),
                HasSubstr("its pickle ends too early"))
        << size;
  }
  const std::string longer = whole + "rest";
  EXPECT_EQ(Pickle::parse(as_bytes(longer), "m.pth", is_allowed_in_pth).size(), whole.size());
}

TEST(Pickle, HoldsAsManyValuesAsACheckpointHas) {
  constexpr size_t kMany = size_t{3} << 20;
  EXPECT_THAT(error(std::string(kMany, 'N')), HasSubstr("has more than 2097152 values"));
  EXPECT_THAT(error(std::string(kMany, '(')), HasSubstr("marks"));
  std::string recalls = "Nq\1";
  for (size_t i = 0; i < kMany; ++i) recalls += "h\1";
  EXPECT_THAT(error(recalls), HasSubstr("values on its stack"));
}

TEST(Pickle, GoesAsDeepAsItLikes) {
  const std::string deep = std::string(500000, ']') + std::string(499999, 'a');
  EXPECT_EQ(read(deep)->describe(), "a list of 1");
}

}  // namespace
}  // namespace fovea
