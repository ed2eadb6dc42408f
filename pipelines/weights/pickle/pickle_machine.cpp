#include "pipelines/weights/pickle/pickle_machine.h"

#include "kernels/base/error.h"
#include "kernels/base/utf8.h"
#include "pipelines/weights/json_text.h"
#include "pipelines/weights/pickle/pickle_globals.h"

#include <algorithm>
#include <bit>
#include <set>
#include <unordered_map>
#include <utility>

namespace kinora::pipelines {

using kernels::DType;

namespace {

// A large checkpoint has about a hundred thousand values.
constexpr size_t kMostNodes = 2'000'000, kLongestText = size_t{16} << 20;
constexpr size_t kMostTensors = 1'000'000, kMostRank = 8;
// Of what is put into containers and tensors, all together: an operation of two bytes may name a
// container of any size, again and again.
constexpr size_t kMostCopies = 4'000'000;
constexpr size_t kLongestKey = 4096;
constexpr size_t kMostNameBytes = size_t{64} << 20; // of all tensors' names, and of all texts
constexpr int kDeepestDictionary = 8;

} // namespace

class PickleMachine {
  public:
    PickleMachine(std::span<const std::byte> bytes, const std::string& label) : m_bytes(bytes) {
        m_pickle.m_label = label;
    }

    Pickle run() {
        while (!m_done) step(static_cast<unsigned char>(byte()));
        m_pickle.m_root = pop();
        m_pickle.m_sizeBytes = m_at;
        return std::move(m_pickle);
    }

  private:
    using Kind = Pickle::Kind;
    using Node = Pickle::Node;

    [[noreturn]] void fail(const std::string& what) const {
        throw Error(ErrorCode::BadFile,
                    m_pickle.m_label + ": the pickle in it " + what + ", at byte " +
                        std::to_string(m_at) + ".",
                    "The file is damaged; fetch it again, in the safetensors format if there is "
                    "one.");
    }
    [[noreturn]] void refuse(const std::string& what) const {
        throw Error(ErrorCode::Unsupported,
                    m_pickle.m_label + ": the pickle in it " + what +
                        ", which has no place among tensors and could run code. None of it was "
                        "run.",
                    "Do not open this file in programs that unpickle it. Fetch the safetensors "
                    "version of the model.");
    }

    // ---- bytes

    uint8_t byte() { return std::to_integer<uint8_t>(take(1)[0]); }
    std::span<const std::byte> take(uint64_t count) {
        if (count > m_bytes.size() - m_at) fail("ends too soon");
        const auto taken = m_bytes.subspan(m_at, count);
        m_at += count;
        return taken;
    }
    uint64_t number(int count) {
        uint64_t value = 0;
        const auto taken = take(static_cast<uint64_t>(count));
        for (int i = count - 1; i >= 0; --i)
            value = value << 8 | std::to_integer<uint64_t>(taken[static_cast<size_t>(i)]);
        return value;
    }
    std::string text(uint64_t count) {
        if (count > kLongestText) fail("holds an absurdly long text");
        const auto taken = take(count);
        return {reinterpret_cast<const char*>(taken.data()), taken.size()};
    }
    std::string line() {
        std::string result;
        for (char c = static_cast<char>(byte()); c != '\n'; c = static_cast<char>(byte())) {
            if (result.size() > 1000) fail("holds an absurdly long name");
            result += c;
        }
        return result;
    }

    // ---- values and stack

    uint32_t add(Node node) {
        if (m_pickle.m_nodes.size() >= kMostNodes) fail("holds absurdly many values");
        m_pickle.m_nodes.push_back(std::move(node));
        return static_cast<uint32_t>(m_pickle.m_nodes.size() - 1);
    }
    void push(uint32_t index) {
        if (m_stack.size() >= kMostNodes) fail("holds absurdly many values");
        m_stack.push_back(index);
    }
    void pushNew(Node node) { push(add(std::move(node))); }
    uint32_t pop() {
        if (m_stack.size() <= (m_marks.empty() ? 0 : m_marks.back()))
            fail("takes what is not there");
        const uint32_t top = m_stack.back();
        m_stack.pop_back();
        return top;
    }
    uint32_t top() const {
        if (m_stack.empty()) fail("takes what is not there");
        return m_stack.back();
    }
    std::vector<uint32_t> popToMark() {
        if (m_marks.empty()) fail("lacks a mark");
        std::vector<uint32_t> items(m_stack.begin() + static_cast<std::ptrdiff_t>(m_marks.back()),
                                    m_stack.end());
        m_stack.resize(m_marks.back());
        m_marks.pop_back();
        return items;
    }
    Node& at(uint32_t index) { return m_pickle.m_nodes[index]; }
    // Before so many numbers, or bytes of a key, are stored a second time.
    void spend(size_t copies) {
        if (copies > kMostCopies - m_spent) fail("holds absurdly many values");
        m_spent += copies;
    }
    uint32_t addTensor(PickledTensor tensor, Kind kind) {
        if (m_pickle.m_tensors.size() >= kMostTensors) fail("holds absurdly many tensors");
        spend(tensor.storage.size() + tensor.shape.size() + tensor.strides.size());
        m_pickle.m_tensors.push_back(std::move(tensor));
        return add({kind, static_cast<int64_t>(m_pickle.m_tensors.size()) - 1, {}, {}});
    }
    void remember(uint64_t key) {
        if (m_memo.size() >= kMostNodes) fail("holds absurdly many values");
        m_memo[key] = top();
    }
    void recall(uint64_t key) {
        const auto found = m_memo.find(key);
        if (found == m_memo.end()) fail("recalls what it never named");
        push(found->second);
    }

    void step(unsigned char opcode);
    bool stepValue(unsigned char opcode);
    bool stepContainer(unsigned char opcode);
    bool stepObject(unsigned char opcode);

    void pushTuple(int count) {
        std::vector<uint32_t> items(static_cast<size_t>(count));
        for (int i = count - 1; i >= 0; --i) items[static_cast<size_t>(i)] = pop();
        pushNew({Kind::Tuple, 0, {}, std::move(items)});
    }
    void addItems(const std::vector<uint32_t>& items, Kind expected, const char* what) {
        Node& to = at(top());
        // What trainers leave in their files may be filled, and is not kept.
        if (to.kind == Kind::Inert) return;
        const bool pairs = expected == Kind::Dict;
        if ((to.kind != expected && !(pairs && to.kind == Kind::Object)) ||
            (pairs && items.size() % 2 != 0))
            fail(what);
        spend(items.size());
        to.items.insert(to.items.end(), items.begin(), items.end());
    }
    void pushLong(uint64_t count) {
        // Only the magic number of old files is longer than eight bytes; it is known by its first.
        const auto taken = take(count);
        uint64_t value = 0;
        for (size_t i = std::min<size_t>(taken.size(), 8); i-- > 0;)
            value = value << 8 | std::to_integer<uint64_t>(taken[i]);
        if (!taken.empty() && taken.size() < 8 && (taken.back() & std::byte{0x80}) != std::byte{0})
            value |= ~uint64_t{0} << (8 * taken.size());
        pushNew({Kind::Integer, static_cast<int64_t>(value), {}, {}});
    }

    void pushGlobal(const std::string& module, const std::string& name);
    void reduce();
    void build();
    void persistentLoad();
    uint32_t rebuildTensor(const std::vector<uint32_t>& arguments, bool hasDtype);
    std::vector<int64_t> sizes(uint32_t tuple);
    uint64_t count(uint32_t index) {
        const Node& node = at(index);
        if (node.kind != Kind::Integer || node.integer < 0) fail("has a wrong number in a tensor");
        return static_cast<uint64_t>(node.integer);
    }

    std::span<const std::byte> m_bytes;
    size_t m_at = 0;
    bool m_done = false;
    Pickle m_pickle;
    std::vector<uint32_t> m_stack;
    std::vector<size_t> m_marks;
    size_t m_spent = 0;
    std::unordered_map<uint64_t, uint32_t> m_memo;
};

void PickleMachine::step(unsigned char opcode) {
    switch (opcode) {
    case 0x80: // PROTO
        if (byte() > 5) fail("is of an unknown protocol");
        return;
    case 0x95: number(8); return;    // FRAME
    case '.': m_done = true; return; // STOP
    case '(':
        if (m_marks.size() >= kMostNodes) fail("holds absurdly many marks");
        m_marks.push_back(m_stack.size());
        return;
    case '0': pop(); return;                    // POP
    case '1': popToMark(); return;              // POP_MARK
    case 'q': remember(number(1)); return;      // BINPUT
    case 'r': remember(number(4)); return;      // LONG_BINPUT
    case 0x94: remember(m_memo.size()); return; // MEMOIZE
    case 'h': recall(number(1)); return;        // BINGET
    case 'j': recall(number(4)); return;        // LONG_BINGET
    default: break;
    }
    if (stepValue(opcode) || stepContainer(opcode) || stepObject(opcode)) return;
    refuse("uses the opcode " + std::to_string(opcode));
}

bool PickleMachine::stepValue(unsigned char opcode) {
    switch (opcode) {
    case 'N': pushNew({}); return true;
    case 0x88: pushNew({Kind::Bool, 1, {}, {}}); return true;
    case 0x89: pushNew({Kind::Bool, 0, {}, {}}); return true;
    case 'K': pushNew({Kind::Integer, static_cast<int64_t>(number(1)), {}, {}}); return true;
    case 'M': pushNew({Kind::Integer, static_cast<int64_t>(number(2)), {}, {}}); return true;
    case 'J':
        pushNew({Kind::Integer, std::bit_cast<int32_t>(static_cast<uint32_t>(number(4))), {}, {}});
        return true;
    case 0x8a: pushLong(number(1)); return true; // LONG1
    case 'G':
        take(8);
        pushNew({Kind::Number, 0, {}, {}});
        return true;
    case 'X': pushNew({Kind::Text, 0, text(number(4)), {}}); return true;  // BINUNICODE
    case 0x8c: pushNew({Kind::Text, 0, text(number(1)), {}}); return true; // SHORT_BINUNICODE
    case 0x8d: pushNew({Kind::Text, 0, text(number(8)), {}}); return true; // BINUNICODE8
    case 'U': pushNew({Kind::Text, 0, text(number(1)), {}}); return true;  // SHORT_BINSTRING
    case 'T': pushNew({Kind::Text, 0, text(number(4)), {}}); return true;  // BINSTRING
    case 'C':
        text(number(1));
        pushNew({Kind::Inert, 0, {}, {}});
        return true; // bytes
    case 'B':
        text(number(4));
        pushNew({Kind::Inert, 0, {}, {}});
        return true;
    default: return false;
    }
}

bool PickleMachine::stepContainer(unsigned char opcode) {
    switch (opcode) {
    case ')': pushNew({Kind::Tuple, 0, {}, {}}); return true;
    case ']': pushNew({Kind::List, 0, {}, {}}); return true;
    case '}': pushNew({Kind::Dict, 0, {}, {}}); return true;
    case 0x8f: pushNew({Kind::List, 0, {}, {}}); return true; // EMPTY_SET
    case 't': pushNew({Kind::Tuple, 0, {}, popToMark()}); return true;
    case 'l': pushNew({Kind::List, 0, {}, popToMark()}); return true;
    case 'd': {
        std::vector<uint32_t> items = popToMark();
        if (items.size() % 2 != 0) fail("has a key without a value");
        pushNew({Kind::Dict, 0, {}, std::move(items)});
        return true;
    }
    case 0x85: pushTuple(1); return true;
    case 0x86: pushTuple(2); return true;
    case 0x87: pushTuple(3); return true;
    case 'a': {
        const uint32_t item = pop();
        addItems({item}, Kind::List, "appends to what is no list");
        return true;
    }
    case 'e':    // APPENDS
    case 0x90: { // ADDITEMS
        const std::vector<uint32_t> items = popToMark();
        addItems(items, Kind::List, "appends to what is no list");
        return true;
    }
    case 's': {
        const uint32_t value = pop(), key = pop();
        addItems({key, value}, Kind::Dict, "sets a value in what is no dictionary");
        return true;
    }
    case 'u': {
        const std::vector<uint32_t> items = popToMark();
        addItems(items, Kind::Dict, "sets values in what is no dictionary");
        return true;
    }
    default: return false;
    }
}

bool PickleMachine::stepObject(unsigned char opcode) {
    switch (opcode) {
    case 'c': { // GLOBAL
        const std::string module = line();
        pushGlobal(module, line());
        return true;
    }
    case 0x93: { // STACK_GLOBAL
        const std::string& name = at(pop()).text;
        const std::string& module = at(pop()).text;
        pushGlobal(module, name);
        return true;
    }
    case 'R':  // REDUCE
    case 0x81: // NEWOBJ: of these few names the same
        reduce();
        return true;
    case 'b': build(); return true;          // BUILD
    case 'Q': persistentLoad(); return true; // BINPERSID
    default: return false;
    }
}

void PickleMachine::pushGlobal(const std::string& module, const std::string& name) {
    const PickleGlobalRow* row = findPickleGlobal(module, name);
    if (!row) refuse("asks for " + briefName(module + "." + name));
    pushNew({Kind::Global, pickleGlobalIndex(*row), {}, {}});
}

void PickleMachine::reduce() {
    // Nothing is added while these two are in use.
    const Node& tuple = at(pop());
    if (tuple.kind != Kind::Tuple) fail("calls without arguments");
    const std::vector<uint32_t>& arguments = tuple.items;
    const Node& callee = at(pop());
    if (callee.kind != Kind::Global) fail("calls what is no name");
    switch (pickleGlobalAt(static_cast<int>(callee.integer)).meaning) {
    case PickleGlobal::RebuildTensor: push(rebuildTensor(arguments, false)); return;
    case PickleGlobal::RebuildTensorV3: push(rebuildTensor(arguments, true)); return;
    case PickleGlobal::RebuildParameter:
        if (arguments.empty() || at(arguments[0]).kind != Kind::Tensor)
            fail("has a parameter without a tensor");
        push(arguments[0]);
        return;
    case PickleGlobal::Dictionary: {
        Node dictionary{Kind::Dict, 0, {}, {}};
        if (!arguments.empty())
            for (const uint32_t pair : at(arguments[0]).items) {
                const std::vector<uint32_t>& items = at(pair).items;
                if (items.size() != 2) fail("has a dictionary of what are no pairs");
                spend(items.size());
                dictionary.items.insert(dictionary.items.end(), items.begin(), items.end());
            }
        pushNew(std::move(dictionary));
        return;
    }
    case PickleGlobal::Object: pushNew({Kind::Object, 0, {}, {}}); return;
    case PickleGlobal::Inert: pushNew({Kind::Inert, 0, {}, {}}); return;
    default: fail("calls a type of numbers");
    }
}

// Gives an object its state: kept where it is what the object holds.
void PickleMachine::build() {
    const uint32_t state = pop();
    Node& object = at(top());
    if (object.kind == Kind::Object) {
        const Node& values = at(state);
        if (values.kind != Kind::Dict) return;
        spend(values.items.size());
        object.items.insert(object.items.end(), values.items.begin(), values.items.end());
        return;
    }
    const bool harmless =
        object.kind == Kind::Dict || object.kind == Kind::Inert || object.kind == Kind::Tensor;
    if (!harmless) fail("gives a state to what has none");
}

// ("storage", type, key, place, elements)
void PickleMachine::persistentLoad() {
    const Node& id = at(pop());
    if (id.kind != Kind::Tuple || id.items.size() < 5 || at(id.items[0]).text != "storage" ||
        at(id.items[1]).kind != Kind::Global)
        fail("names a storage in an unknown way");
    const PickleGlobalRow& type = pickleGlobalAt(static_cast<int>(at(id.items[1]).integer));
    const bool untyped = type.meaning == PickleGlobal::UntypedStorage;
    if (type.meaning != PickleGlobal::Storage && !untyped) fail("names a storage of no known type");
    if (at(id.items[2]).kind != Kind::Text) fail("names a storage without a key");
    if (at(id.items[2]).text.size() > kLongestKey) fail("names a storage with an absurd key");
    PickledTensor storage;
    storage.storage = at(id.items[2]).text;
    storage.dtype = untyped ? DType::U8 : type.dtype;
    storage.storageElements = count(id.items[4]);
    push(addTensor(std::move(storage), Kind::Storage));
}

std::vector<int64_t> PickleMachine::sizes(uint32_t tuple) {
    const Node& node = at(tuple);
    if (node.kind != Kind::Tuple || node.items.size() > kMostRank)
        fail("has a tensor without a shape");
    std::vector<int64_t> result;
    for (const uint32_t item : node.items) result.push_back(static_cast<int64_t>(count(item)));
    return result;
}

uint32_t PickleMachine::rebuildTensor(const std::vector<uint32_t>& arguments, bool hasDtype) {
    if (arguments.size() < (hasDtype ? 7 : 4) || at(arguments[0]).kind != Kind::Storage)
        fail("has a tensor without a storage");
    PickledTensor tensor = m_pickle.m_tensors[static_cast<size_t>(at(arguments[0]).integer)];
    tensor.offset = count(arguments[1]);
    tensor.shape = sizes(arguments[2]);
    tensor.strides = sizes(arguments[3]);
    if (tensor.shape.size() != tensor.strides.size()) fail("has a tensor with a wrong shape");
    if (hasDtype) {
        const Node& type = at(arguments[6]);
        if (type.kind != Kind::Global ||
            pickleGlobalAt(static_cast<int>(type.integer)).meaning != PickleGlobal::Dtype)
            fail("has a tensor of an unknown type");
        tensor.dtype = pickleGlobalAt(static_cast<int>(type.integer)).dtype;
        tensor.storageElements /= kernels::sizeBytes(tensor.dtype); // it was said in bytes
    }
    return addTensor(std::move(tensor), Kind::Tensor);
}

Pickle readPickle(std::span<const std::byte> bytes, const std::string& label) {
    return PickleMachine(bytes, label).run();
}

std::vector<PickledTensor> Pickle::tensors() const {
    struct Place {
        uint32_t node;
        std::string name;
        int depth;
    };
    const auto fail = [&](const std::string& what) {
        throw Error(ErrorCode::BadFile, m_label + ": holds " + what + ".",
                    "The file is damaged; fetch it again.");
    };
    std::vector<PickledTensor> found;
    std::set<std::string> names;
    std::vector<Place> open{{m_root, {}, 0}};
    size_t visited = 0, nameBytes = 0;
    while (!open.empty()) {
        const Place place = std::move(open.back());
        open.pop_back();
        const Node& own = node(place.node);
        if (own.kind == Kind::Tensor && names.insert(place.name).second) {
            found.push_back(m_tensors[static_cast<size_t>(own.integer)]);
            found.back().name = place.name;
        }
        if ((own.kind != Kind::Dict && own.kind != Kind::Object) ||
            place.depth >= kDeepestDictionary)
            continue;
        for (size_t i = 0; i + 1 < own.items.size(); i += 2) {
            const Node& key = node(own.items[i]);
            if (key.kind != Kind::Text) continue;
            if (++visited > kMostTensors) fail("absurdly many tensors");
            if (key.text.size() > kLongestKey) fail("a tensor with an absurdly long name");
            if (!isValidUtf8(key.text)) continue;
            nameBytes += place.name.size() + 1 + key.text.size();
            if (nameBytes > kMostNameBytes) fail("tensors with absurdly long names");
            open.push_back({own.items[i + 1],
                            place.name.empty() ? key.text : place.name + "." + key.text,
                            place.depth + 1});
        }
    }
    std::ranges::sort(found, {}, &PickledTensor::name);
    return found;
}

std::optional<std::string> Pickle::text(std::string_view key) const {
    const Node& root = node(m_root);
    if (root.kind != Kind::Dict) return std::nullopt;
    for (size_t i = 0; i + 1 < root.items.size(); i += 2) {
        const Node& value = node(root.items[i + 1]);
        if (node(root.items[i]).text != key) continue;
        if (value.kind == Kind::Text) return value.text;
        if (value.kind == Kind::Integer) return std::to_string(value.integer);
    }
    return std::nullopt;
}

std::optional<int64_t> Pickle::integer() const {
    const Node& root = node(m_root);
    return root.kind == Kind::Integer ? std::optional(root.integer) : std::nullopt;
}

std::vector<std::string> Pickle::texts() const {
    std::vector<std::string> texts;
    const Node& root = node(m_root);
    if (root.kind != Kind::List) return texts;
    size_t bytes = 0;
    for (const uint32_t item : root.items) {
        bytes += node(item).text.size();
        if (bytes > kMostNameBytes)
            throw Error(ErrorCode::BadFile, m_label + ": holds absurdly long texts.",
                        "The file is damaged; fetch it again.");
        texts.push_back(node(item).text);
    }
    return texts;
}

} // namespace kinora::pipelines
