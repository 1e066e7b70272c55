// The machine of opcodes, with a stack, marks and a memo, all of a bounded size.
#include "fovea/io/pickle.h"

#include <algorithm>

#include "fovea/io/fail.h"

namespace fovea {

namespace {

using Kind = Pickle::Kind;

// Values, items, entries of the stack and of the memo each: a hundred times what a large model with
// the state of its optimiser has, and less than 100 MB in all.
constexpr size_t kMost = size_t{1} << 21;

bool is_dict(std::string_view global) {
  return global.starts_with("collections ") || global.ends_with(" dict");
}

}  // namespace

class PickleReader {
 public:
  PickleReader(Pickle& pickle, const std::string& name, const Pickle::Allowed& allowed)
      : p_(pickle), name_(name), allowed_(allowed) {}

  void run() {
    while (!stopped_) step();
    p_.size_ = at_;
  }

 private:
  using Id = Pickle::Id;

  [[noreturn]] void refuse(const std::string& why) const {
    fail("{}: its pickle {} at byte {}", name_, why, start_);
  }

  std::string_view take(size_t count) {
    if (count > p_.bytes_.size() - at_) refuse("ends too early");
    const std::string_view taken = p_.bytes_.substr(at_, count);
    at_ += count;
    return taken;
  }

  // A little-endian number of so many bytes.
  uint64_t number(size_t bytes) {
    uint64_t value = 0;
    const std::string_view text = take(bytes);
    for (size_t i = bytes; i-- > 0;) value = value << 8 | static_cast<unsigned char>(text[i]);
    return value;
  }

  std::string_view line() {
    const size_t end = p_.bytes_.find('\n', at_);
    if (end == std::string_view::npos) refuse("ends too early");
    const std::string_view text = take(end - at_);
    take(1);
    return text;
  }

  // Throws Error before anything grows past what a model needs.
  void check_room(size_t size, const char* what) const {
    if (size >= kMost)
      refuse(fmt::format("has more than {} {}; expected a checkpoint", kMost, what));
  }

  Pickle::Value& value(Id id) { return p_.values_[id]; }

  void push(Id id) {
    check_room(stack_.size(), "values on its stack");
    stack_.push_back(id);
  }

  Pickle::Value& push_new(Kind kind, int64_t integer = 0) {
    check_room(p_.values_.size(), "values");
    p_.values_.push_back({.kind = kind, .integer = integer});
    push(static_cast<Id>(p_.values_.size() - 1));
    return p_.values_.back();
  }

  void push_text(size_t length) {
    const size_t begin = at_;
    take(length);
    push_new(Kind::text, static_cast<int64_t>(begin)).items = static_cast<uint32_t>(length);
  }

  // What is above the last mark is all that may be taken.
  size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  Id top() const {
    if (stack_.size() <= floor()) refuse("takes more from its stack than there is");
    return stack_.back();
  }

  Id pop() {
    const Id id = top();
    stack_.pop_back();
    return id;
  }

  void append(Id to, Id item) {
    check_room(p_.links_.size(), "items");
    const auto link = static_cast<uint32_t>(p_.links_.size());
    p_.links_.push_back({item, Pickle::kNothing});
    Pickle::Value& container = value(to);
    if (container.items++ == 0) {
      container.first = link;
    } else {
      p_.links_[container.last].next = link;
    }
    container.last = link;
  }

  // The values above the last mark, which is taken away with them.
  std::vector<Id> pop_to_mark() {
    if (marks_.empty()) refuse("takes values to a mark that is not there");
    const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Id> items(begin, stack_.end());
    stack_.erase(begin, stack_.end());
    marks_.pop_back();
    return items;
  }

  std::vector<Id> pop_some(size_t count) {
    std::vector<Id> items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    return items;
  }

  void push_with(Kind kind, const std::vector<Id>& items) {
    push_new(kind);
    const Id id = stack_.back();
    for (const Id item : items) append(id, item);
  }

  // What is put into an object does not matter: nothing of it is ever run.
  void put(Kind kind, const std::vector<Id>& items) {
    const Id to = top();
    if (value(to).kind == Kind::object) return;
    if (value(to).kind != kind) {
      refuse(fmt::format("puts items into {}", p_.describe(to)));
    }
    for (const Id item : items) append(to, item);
  }

  void put_pairs(const std::vector<Id>& items) {
    if (items.size() % 2 != 0) refuse("sets a key without a value");
    put(Kind::dict, items);
  }

  void call() {
    const std::vector<Id> parts = pop_some(2);
    if (value(parts[0]).kind != Kind::global || value(parts[1]).kind != Kind::tuple)
      refuse(fmt::format("calls {}", p_.describe(parts[0])));
    if (is_dict(p_.text(parts[0]))) {
      push_new(Kind::dict);
    } else {
      push_with(Kind::object, parts);
    }
  }

  void global() {
    const std::string module(line());
    std::string whole = module + " " + std::string(line());
    if (!allowed_(whole)) {
      whole[module.size()] = '.';
      fail(
          "{}: needs {}, which only running its code could give; expected tensors alone, as "
          "torch.save(model.state_dict(), ...) writes them",
          name_, printable(whole));
    }
    // Few that are allowed are different.
    const auto known = std::ranges::find(p_.globals_, whole);
    push_new(Kind::global, known - p_.globals_.begin());
    if (known == p_.globals_.end()) p_.globals_.push_back(std::move(whole));
  }

  void remember(uint64_t index) {
    if (index >= kMost || index >= p_.bytes_.size())
      refuse(fmt::format("remembers a value as number {}", index));
    if (index >= memo_.size()) memo_.resize(index + 1, Pickle::kNothing);
    memo_[index] = top();
  }

  void recall(uint64_t index) {
    if (index >= memo_.size() || memo_[index] == Pickle::kNothing)
      refuse(fmt::format("recalls number {}, which it never kept,", index));
    push(memo_[index]);
  }

  // At most 255 bytes; what is longer than 8 is no size of anything.
  void push_long() {
    const size_t count = number(1);
    if (count > 8) {
      take(count);
      push_new(Kind::large_integer);
      return;
    }
    uint64_t bits = number(count);
    if (count > 0 && count < 8 && (bits >> (8 * count - 1) & 1U) != 0)
      bits |= ~uint64_t{0} << 8 * count;
    push_new(Kind::integer, static_cast<int64_t>(bits));
  }

  void protocol() {
    const uint64_t version = number(1);
    if (version != 2)
      refuse(fmt::format("is of protocol {}; expected 2, as torch.save writes,", version));
  }

  void step() {
    start_ = at_;
    const auto code = static_cast<unsigned char>(take(1)[0]);
    if (!read_plain(code) && !read_container(code)) {
      refuse(fmt::format("has the opcode 0x{:02x}, which torch.save does not write,", code));
    }
  }

  bool read_plain(unsigned char code) {
    switch (code) {
      case 0x80:
        protocol();
        break;
      case 'N':
        push_new(Kind::none);
        break;
      case 0x88:
        push_new(Kind::boolean, 1);
        break;
      case 0x89:
        push_new(Kind::boolean, 0);
        break;
      case 'J':
        push_new(Kind::integer, static_cast<int32_t>(number(4)));
        break;
      case 'K':
        push_new(Kind::integer, static_cast<int64_t>(number(1)));
        break;
      case 'M':
        push_new(Kind::integer, static_cast<int64_t>(number(2)));
        break;
      case 0x8a:
        push_long();
        break;
      case 'G':
        take(8);
        push_new(Kind::number);
        break;
      case 'X':
        push_text(number(4));
        break;
      case 'U':
        push_text(number(1));
        break;
      case 'c':
        global();
        break;
      case 'q':
        remember(number(1));
        break;
      case 'r':
        remember(number(4));
        break;
      case 'h':
        recall(number(1));
        break;
      case 'j':
        recall(number(4));
        break;
      default:
        return false;
    }
    return true;
  }

  bool read_container(unsigned char code) {
    switch (code) {
      case '(':
        check_room(marks_.size(), "marks");
        marks_.push_back(stack_.size());
        break;
      case '}':
        push_new(Kind::dict);
        break;
      case ']':
        push_new(Kind::list);
        break;
      case ')':
        push_new(Kind::tuple);
        break;
      case 0x8f:
        push_new(Kind::set);
        break;
      case 't':
        push_with(Kind::tuple, pop_to_mark());
        break;
      case 0x85:
        push_with(Kind::tuple, pop_some(1));
        break;
      case 0x86:
        push_with(Kind::tuple, pop_some(2));
        break;
      case 0x87:
        push_with(Kind::tuple, pop_some(3));
        break;
      case 'a':
        put(Kind::list, pop_some(1));
        break;
      case 'e':
        put(Kind::list, pop_to_mark());
        break;
      case 's':
        put_pairs(pop_some(2));
        break;
      case 'u':
        put_pairs(pop_to_mark());
        break;
      case 'R':
      case 0x81:
        call();
        break;
      case 'b':  // the state of an object: _metadata of an OrderedDict, options of a Namespace
        pop();
        top();
        break;
      case 'Q':
        push_with(Kind::stored, pop_some(1));
        break;
      case '.':
        p_.root_ = pop();
        stopped_ = true;
        break;
      default:
        return false;
    }
    return true;
  }

  Pickle& p_;
  const std::string& name_;
  const Pickle::Allowed& allowed_;
  size_t at_ = 0;
  size_t start_ = 0;  // of the opcode that is carried out
  bool stopped_ = false;
  std::vector<Id> stack_;
  std::vector<size_t> marks_;
  std::vector<Id> memo_;
};

Pickle Pickle::parse(std::span<const std::byte> bytes, const std::string& name,
                     const Allowed& allowed) {
  Pickle pickle;
  pickle.bytes_ = {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  PickleReader(pickle, name, allowed).run();
  return pickle;
}

}  // namespace fovea
