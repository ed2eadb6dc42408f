// torch.save's files against the same tensors in safetensors: tests/golden/generate_pickles.py.
// And what must never happen: forty hostile files, and a canary that none of them may touch.

#include "kernels/base/error.h"
#include "pipelines/weights/model.h"
#include "pipelines/weights/pickle/pickled_weights.h"
#include "pipelines/weights/weight_file.h"
#include "tests/support/checkpoint_kinds.h"
#include "tests/support/golden_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"
#include "tests/support/zip_archive.h"

#include <doctest/doctest.h>

#include <new>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using namespace std::string_literals;
using test::thrownBy;

// There where the program is linked with AddressSanitizer, whose memory cannot be bounded.
extern "C" void __asan_init() __attribute__((weak));

namespace {

std::vector<float> valuesOf(const WeightSource& source, const std::string& name) {
    const auto info = source.find(name, {});
    REQUIRE(info.has_value());
    std::vector<float> values(static_cast<size_t>(info->shape.elements()));
    source.read(name, 0, values);
    return values;
}

std::string littleEndian(uint64_t value, int count) {
    std::string bytes;
    for (int i = 0; i < count; ++i) bytes += static_cast<char>(value >> (8 * i) & 255);
    return bytes;
}

std::string text(const std::string& value) {
    return "X" + littleEndian(value.size(), 4) + value;
}

const std::string kStart = "\x80\x02"s;

std::string global(const std::string& module, const std::string& name) {
    return "c" + module + "\n" + name + "\n";
}

// {"x": <value>}
std::string dictionaryOf(const std::string& value) {
    return kStart + "}" + text("x") + value + "s.";
}

std::string storage(const std::string& type, const std::string& key, uint64_t elements) {
    return "(" + text("storage") + global("torch", type) + text(key) + text("cpu") + "\x8a\x08"s +
           littleEndian(elements, 8) + "tQ";
}

std::string number(uint64_t value) {
    return "\x8a\x08"s + littleEndian(value, 8);
}

std::string tensor(const std::string& storageBytes, uint64_t offset,
                   const std::vector<uint64_t>& shape, const std::vector<uint64_t>& strides) {
    std::string bytes =
        global("torch._utils", "_rebuild_tensor_v2") + "(" + storageBytes + number(offset) + "(";
    for (const uint64_t size : shape) bytes += number(size);
    bytes += "t(";
    for (const uint64_t stride : strides) bytes += number(stride);
    return bytes + "t\x89}tR";
}

std::string archive(const std::string& pickle) {
    return test::zipArchive(
        {{"archive/data.pkl", pickle}, {"archive/data/0", std::string(16, '\1')}});
}

struct Hostile {
    std::string name;
    std::string bytes; // of the file
};

std::vector<Hostile> hostileFiles(const std::string& canary) {
    const std::string command = text("touch " + canary);
    const auto call = [&](const std::string& module, const std::string& name) {
        return archive(dictionaryOf(global(module, name) + "(" + command + "tR"));
    };
    std::vector<Hostile> files;
    for (const auto& [module, name] : {std::pair{"os", "system"},
                                       {"posix", "system"},
                                       {"nt", "system"},
                                       {"builtins", "eval"},
                                       {"builtins", "exec"},
                                       {"__builtin__", "eval"},
                                       {"builtins", "__import__"},
                                       {"builtins", "getattr"},
                                       {"subprocess", "Popen"},
                                       {"subprocess", "check_output"},
                                       {"runpy", "_run_code"},
                                       {"importlib", "import_module"},
                                       {"torch", "load"},
                                       {"torch.hub", "load"},
                                       {"torch.serialization", "load"},
                                       {"functools", "partial"},
                                       {"operator", "attrgetter"},
                                       {"numpy.core.multiarray", "_reconstruct"},
                                       {"codecs", "decode"},
                                       {"pickle", "loads"},
                                       {"webbrowser", "open"},
                                       {"torch.nn.modules.linear", "Linear"},
                                       {"torch._utils", "_import_dotted_name"}})
        files.push_back({std::string(module) + "." + name, call(module, name)});
    const std::string os = "\x8c\x02os\x8c\x06system\x93"s;
    files.push_back({"a name from the stack", archive(dictionaryOf(os + "(" + command + "tR"))});
    files.push_back({"INST", archive(kStart + "(" + command + "ios\nsystem\n.")});
    files.push_back({"OBJ", archive(kStart + "(" + global("os", "system") + command + "o.")});
    files.push_back({"OBJ alone", archive(kStart + "(" + command + "o.")});
    files.push_back({"NEWOBJ_EX", archive(kStart + ")" + ")" + "}\x92.")});
    files.push_back({"EXT1", archive(kStart + "\x82\x01.")});
    files.push_back({"PERSID", archive(kStart + "Pos.system\n.")});
    files.push_back({"a call of what an inert name gave",
                     archive(dictionaryOf(global("_codecs", "encode") + "(" + command + "tR(" +
                                          command + "tR"))});
    files.push_back({"a state for a number", archive(dictionaryOf("K\x01}b"))});
    files.push_back({"an old file", kStart + global("os", "system") + "(" + command + "tR."});
    return files;
}

std::vector<Hostile> damagedFiles() {
    const std::string good = storage("FloatStorage", "0", 4);
    const auto one = [&](const std::string& value) { return archive(dictionaryOf(value)); };
    const uint64_t huge = uint64_t{1} << 62;
    const std::string whole = one(tensor(good, 0, {4}, {1}));
    std::string laughs = kStart + "}" + "q" + '\0';
    for (int level = 0; level < 6; ++level) {
        laughs += "}(";
        for (int i = 0; i < 64; ++i)
            laughs += text("k" + std::to_string(i)) + "h" + static_cast<char>(level);
        laughs += "uq" + std::string(1, static_cast<char>(level + 1));
    }
    return {
        {"nothing", ""},
        {"half a zip", whole.substr(0, whole.size() / 2)},
        {"no end", whole.substr(0, whole.size() - 1)},
        {"compressed", test::zipArchive({{"a/data.pkl", kStart + "}."}}, 8)},
        {"a name twice", test::zipArchive({{"a/data.pkl", kStart + "}."}, {"a/data.pkl", "x"}})},
        {"no pickle", test::zipArchive({{"word/document.xml", "<xml/>"}})},
        {"no tensors", archive(kStart + "}.")},
        {"an empty pickle", archive("")},
        {"no STOP", archive(kStart + "}")},
        {"an unknown protocol", archive("\x80\x06}.")},
        {"nothing on the stack", archive(kStart + ".")},
        {"a value without a key", archive(kStart + "}K\x01s.")},
        {"odd items", archive(kStart + "}(K\x01u.")},
        {"no mark", archive(kStart + "}u.")},
        {"an unknown memory", archive(kStart + "h\x05.")},
        {"an absurd text", archive(kStart + "\x8d"s + littleEndian(huge, 8) + "x.")},
        {"a name without an end", archive(kStart + "ctorch")},
        {"items in a number", archive(kStart + "K\x01(K\x02K\x03u.")},
        {"a storage of no type",
         one("(" + text("storage") + text("x") + text("0") + text("cpu") + "K\x04tQ")},
        {"a storage that is not there", one(tensor(storage("FloatStorage", "9", 4), 0, {4}, {1}))},
        {"a tensor of nothing", one(tensor("N", 0, {4}, {1}))},
        {"an offset outside", one(tensor(good, 1, {4}, {1}))},
        {"an absurd offset", one(tensor(good, huge, {4}, {1}))},
        {"a shape too large", one(tensor(good, 0, {5}, {1}))},
        {"a shape that overflows", one(tensor(good, 0, {huge, huge}, {1, 1}))},
        {"strides that overflow", one(tensor(good, 0, {2, 2}, {huge * 3, huge * 3}))},
        {"strides outside", one(tensor(good, 0, {2, 2}, {3, 1}))},
        {"a small file that fills the memory", one(tensor(good, 0, {1'000'000'000}, {0}))},
        {"a negative size", one(tensor(good, 0, {~uint64_t{0}}, {1}))},
        {"more axes than there are",
         one(tensor(good, 0, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1, 1, 1}))},
        {"strides of another rank", one(tensor(good, 0, {4}, {1, 1}))},
        {"a dictionary in itself", archive(kStart + "}q" + '\0' + text("x") + "h" + '\0' + "s.")},
        {"a million lists",
         archive(kStart + std::string(1'000'000, ']') + std::string(999'999, 'a') + ".")},
        {"dictionaries that multiply", archive(laughs + ".")},
    };
}

// Small files, each of which would fill a machine's memory if it were believed.
std::vector<Hostile> hungryFiles() {
    const auto repeated = [](const std::string& bytes, size_t times) {
        std::string all;
        for (size_t i = 0; i < times; ++i) all += bytes;
        return all;
    };
    const std::string put0 = "q\0"s, get0 = "h\0"s, put1 = "q\x01"s, get1 = "h\x01"s;
    const std::string manyPairs = "(" + repeated("NN\x86"s, 1000) + "l";
    const std::string ordered = global("collections", "OrderedDict");
    const std::string object = global("torch.nn.modules.container", "ParameterDict");
    const std::string longText = text(std::string(1 << 20, 'k'));
    const std::string id = "(" + text("storage") + global("torch", "FloatStorage");
    const std::string longId = id + longText + text("cpu") + "K\x04t";
    const std::string longerId = id + text(std::string(4000, 'k')) + text("cpu") + "K\x04t";
    const auto one = [](const std::string& bytes) { return archive(kStart + bytes + "."); };
    return {
        {"a dictionary of pairs, again and again",
         one(manyPairs + "\x85"s + put0 + ordered + put1 + repeated(get1 + get0 + "R", 200'000))},
        {"a state, again and again", one("}(" + repeated("NN", 1000) + "u" + put0 + object + ")R" +
                                         repeated(get0 + "b", 200'000))},
        {"a long key of a storage", one(longId + put0 + repeated(get0 + "Q", 5000))},
        {"many storages", one(longerId + put0 + repeated(get0 + "Q", 500'000))},
        {"a long name",
         one("}(" + longText + "Nu(" + longText + put0 + "N" + repeated(get0 + "N", 5000) + "d")},
        {"names that grow", one("}" + put0 + "(" + repeated(text(std::string(4000, 'k')) + "N", 1) +
                                repeated(text(std::string(4000, 'n')) + get0, 8) + "u" + get0)},
        {"marks", one(std::string(70'000'000, '('))},
        {"values", one(std::string(30'000'000, 'N'))},
        {"memories", one("N" + std::string(30'000'000, '\x94'))},
    };
}

// Opens the file in a process that may have 1 GiB and half a minute: 0 where it was refused.
int openedInLittleMemory(const std::filesystem::path& path) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const rlimit memory{rlim_t{1} << 30, rlim_t{1} << 30}, seconds{30, 30};
        if (!__asan_init) setrlimit(RLIMIT_AS, &memory);
        setrlimit(RLIMIT_CPU, &seconds);
        int answer = 1;
        try {
            openWeightFile(path, "hungry.ckpt");
        } catch (const Error&) {
            answer = 0;
        } catch (const std::bad_alloc&) {
            answer = 2;
        }
        _exit(answer);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

} // namespace

TEST_CASE("tensors of all types are read as PyTorch wrote them") {
    const test::GoldenFile expected("pickles/expected.safetensors");
    for (const char* name : {"archive.pt", "old.pt", "eights.pt"}) {
        CAPTURE(name);
        const PickledWeights weights(test::goldenPath("pickles/"s + name), name);
        CHECK(weights.names().size() == (name == "eights.pt"s ? 2 : 15));
        for (const std::string& tensor : weights.names()) {
            CAPTURE(tensor);
            CHECK((valuesOf(weights, tensor) == expected.floats(tensor)));
            const auto shape = weights.find(tensor, {})->shape;
            CHECK((std::vector<int64_t>(shape.dims().begin(), shape.dims().end()) ==
                   expected.shape(tensor)));
        }
    }
}

TEST_CASE("a part of a tensor is read from its own beginning, a turned one too") {
    const PickledWeights weights(test::goldenPath("pickles/archive.pt"), "archive.pt");
    for (const char* name : {"f16", "turned", "shared.end"}) {
        const std::vector<float> whole = valuesOf(weights, name);
        std::vector<float> part(5);
        weights.read(name, 3, part);
        CHECK((part == std::vector<float>(whole.begin() + 3, whole.begin() + 8)));
    }
}

TEST_CASE("a pickled checkpoint has the very weights of the safetensors file") {
    const test::TemporaryFolder folder;
    const auto kinds = makeTinyKind(folder, test::kTinyKinds[0]);
    const Model pickled = Model::open(test::goldenPath("tiny-sd1.ckpt"), kinds);
    const Model own = Model::open(test::goldenPath("tiny-sd1.safetensors"), kinds);
    for (const char* component : {"unet", "vae", "text_encoder"}) {
        const auto found = pickled.weights(component), expected = own.weights(component);
        CHECK((found->names() == expected->names()));
        for (const std::string& name : expected->names()) {
            CAPTURE(name);
            CHECK((valuesOf(*found, name) == valuesOf(*expected, name)));
        }
    }
}

TEST_CASE("nothing in a pickle is ever run") {
    const test::TemporaryFolder folder;
    const std::filesystem::path canary = folder.path() / "canary";
    const std::vector<Hostile> files = hostileFiles(canary.string());
    CHECK(files.size() >= 25);
    for (const Hostile& file : files) {
        CAPTURE(file.name);
        const auto path = folder.write("hostile.ckpt", file.bytes);
        const std::string refusal = thrownBy([&] { openWeightFile(path, "hostile.ckpt"); });
        CHECK(refusal.find("hostile.ckpt: ") != std::string::npos);
        CHECK(!std::filesystem::exists(canary));
    }
    const auto path = folder.write("hostile.ckpt", files.front().bytes);
    CHECK(thrownBy([&] { openWeightFile(path, "x"); }).find("os.system") != std::string::npos);
}

TEST_CASE("damaged pickles are refused") {
    const test::TemporaryFolder folder;
    for (const Hostile& file : damagedFiles()) {
        CAPTURE(file.name);
        const auto path = folder.write("damaged.ckpt", file.bytes);
        CHECK(thrownBy([&] { openWeightFile(path, "damaged.ckpt"); }).find("damaged.ckpt: ") !=
              std::string::npos);
    }
}

TEST_CASE("small pickles do not fill the memory") {
    const test::TemporaryFolder folder;
    for (const Hostile& file : hungryFiles()) {
        CAPTURE(file.name);
        CHECK(openedInLittleMemory(folder.write("hungry.ckpt", file.bytes)) == 0);
    }
}
