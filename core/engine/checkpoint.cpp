#include "core/engine/checkpoint.h"

#include "core/media/bounded_json.h"
#include "core/media/sha256.h"
#include "kernels/base/utf8.h"
#include "pipelines/request/parameters.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>
#include <string_view>
#include <utility>

namespace kinora::core {

using nlohmann::json;
using pipelines::BegunBatch;
using pipelines::HostTensor;
using pipelines::RunState;

namespace {

static_assert(std::endian::native == std::endian::little,
              "values are stored as they lie in memory");

// The head, then the JSON, then the values of the tensors and of the noise: of the run in the
// JSON's order, of what is taken, of what is handed on, of the picture. The hash is that of all
// bytes but its own.
struct Head {
    std::array<char, 8> magic;
    uint32_t format;
    uint32_t jsonBytes;
    uint64_t restBytes; // the JSON and the values
    std::array<char, 64> hash;
};
static_assert(sizeof(Head) == 88);
constexpr std::array<char, 8> kMagic = {'k', 'i', 'n', 'o', 'r', 'a', 'c', 'k'};
constexpr uint32_t kFormat = 2; // raised with every change of what follows

constexpr size_t kMostNameBytes = 1024;
constexpr size_t kMostInputsBytes = 16384; // a hash for each picture that nets follow, and a few
constexpr int64_t kMostCount = int64_t{1} << 40; // of steps, pictures, values

[[noreturn]] void damaged(const std::string& what) {
    throw Error(ErrorCode::BadFile, "what was kept is damaged: " + what);
}

std::string hashOf(const Head& head, std::span<const std::byte> rest) {
    Sha256 hash;
    hash.add(std::as_bytes(std::span(&head, 1)).first(offsetof(Head, hash)));
    hash.add(rest);
    return hash.digits();
}

json shapeOf(const HostTensor& tensor) {
    if (!tensor.defined()) return nullptr;
    return std::vector<int64_t>(tensor.shape.dims().begin(), tensor.shape.dims().end());
}

json toJson(const std::vector<BegunBatch>& batches) {
    json list = json::array();
    for (const BegunBatch& batch : batches) {
        json noise = json::array();
        for (const pipelines::NoiseState& words : batch.noise) noise.push_back(words.size());
        list.push_back({{"first", batch.first},
                        {"latents", shapeOf(batch.latents)},
                        {"noise", std::move(noise)}});
    }
    return list;
}

json toJson(const Checkpoint& checkpoint) {
    const auto& [run, passes, left] = checkpoint;
    const RunState state = passes.run.value_or(RunState());
    json history = json::array(), noise = json::array();
    for (const HostTensor& tensor : state.history) history.push_back(shapeOf(tensor));
    for (const pipelines::NoiseState& words : state.noise) noise.push_back(words.size());
    return {{"request", run.request},
            {"engine", run.engineVersion},
            {"device", run.device},
            {"precision", run.precision},
            {"threads", run.threads},
            {"model", run.model},
            {"inputs", run.inputs},
            {"left", left},
            {"round", passes.round},
            {"pass", passes.pass},
            {"taken", toJson(passes.taken)},
            {"handed", toJson(passes.handed)},
            {"picture", shapeOf(passes.picture)},
            {"passBegins", !passes.run},
            {"first", state.first},
            {"pictures", state.pictures},
            {"calls", state.calls},
            {"stepsTaken", state.stepsTaken},
            {"latents", shapeOf(state.latents)},
            {"history", std::move(history)},
            {"noise", std::move(noise)},
            {"finalLatents", shapeOf(state.finalLatents)}};
}

template <typename T> void append(std::vector<std::byte>& bytes, const std::vector<T>& values) {
    const auto added = std::as_bytes(std::span(values));
    bytes.insert(bytes.end(), added.begin(), added.end());
}

void append(std::vector<std::byte>& bytes, const std::vector<pipelines::NoiseState>& noise) {
    for (const pipelines::NoiseState& words : noise) append(bytes, words);
}

void append(std::vector<std::byte>& bytes, const PassState& state) {
    if (state.run) {
        append(bytes, state.run->latents.values);
        for (const HostTensor& tensor : state.run->history) append(bytes, tensor.values);
        append(bytes, state.run->noise);
        append(bytes, state.run->finalLatents.values);
    }
    for (const auto* batches : {&state.taken, &state.handed})
        for (const BegunBatch& batch : *batches) {
            append(bytes, batch.latents.values);
            append(bytes, batch.noise);
        }
    append(bytes, state.picture.values);
}

// The JSON and, behind it, the values that it speaks of.
class Reader {
  public:
    Reader(const json& object, std::span<const std::byte> values)
        : m_object(object), m_values(values) {
        if (!object.is_object()) damaged("its description is not an object");
    }

    const json& at(const char* key) const {
        const auto found = m_object.find(key);
        if (found == m_object.end()) damaged(std::string(key) + " is missing");
        return *found;
    }
    std::string text(const char* key, size_t mostBytes) const {
        const json& value = at(key);
        if (!value.is_string()) damaged(std::string(key) + " is not a text");
        auto text = value.get<std::string>();
        // Nothing in it may steer a terminal that a message is written to.
        const auto control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
        if (text.size() > mostBytes || !isValidUtf8(text) || std::ranges::any_of(text, control))
            damaged(std::string(key) + " is too long or not plain text");
        return text;
    }
    bool flag(const char* key) const {
        if (!at(key).is_boolean()) damaged(std::string(key) + " is neither true nor false");
        return at(key).get<bool>();
    }
    int64_t number(const char* key) const { return whole(at(key), key); }
    const json& list(const char* key) const {
        if (!at(key).is_array()) damaged(std::string(key) + " is not a list");
        return at(key);
    }

    // In the order in which they were written.
    HostTensor tensor(const json& shape, const char* what) {
        if (shape.is_null()) return {};
        if (!shape.is_array() || shape.size() > kernels::kMaxRank)
            damaged(std::string(what) + " have no shape");
        std::vector<int64_t> dims;
        int64_t elements = 1;
        for (const json& extent : shape) {
            dims.push_back(whole(extent, what));
            // Never more than there is: a product that overflows is not reached.
            if (dims.back() == 0 || elements > valuesLeft() / dims.back())
                damaged(std::string(what) + " are not all there");
            elements *= dims.back();
        }
        return {kernels::Shape(std::span<const int64_t>(dims)), take<float>(elements, what)};
    }
    std::vector<pipelines::NoiseState> noise(const json& counts) {
        constexpr const char* kWhat = "the noise";
        if (!counts.is_array()) damaged("noise is not a list");
        std::vector<pipelines::NoiseState> states;
        for (const json& count : counts)
            states.push_back(take<uint32_t>(whole(count, kWhat), kWhat));
        return states;
    }
    std::vector<BegunBatch> batches(const char* key) {
        std::vector<BegunBatch> read;
        for (const json& one : list(key)) {
            const Reader fields(one, {});
            BegunBatch batch;
            batch.first = fields.number("first");
            batch.latents = tensor(fields.at("latents"), "the latents of a batch");
            batch.noise = noise(fields.at("noise"));
            read.push_back(std::move(batch));
        }
        return read;
    }
    void finish() const {
        if (!m_values.empty()) damaged("it is longer than it says");
    }

  private:
    static int64_t whole(const json& value, const char* what) {
        if (!value.is_number_unsigned() && !value.is_number_integer())
            damaged(std::string(what) + " is not a whole number");
        if (value.is_number_unsigned() ? value.get<uint64_t>() > uint64_t{kMostCount}
                                       : value.get<int64_t>() < 0)
            damaged(std::string(what) + " is out of range");
        return value.get<int64_t>();
    }
    int64_t valuesLeft() const { return static_cast<int64_t>(m_values.size() / 4); }

    template <typename T> std::vector<T> take(int64_t count, const char* what) {
        static_assert(sizeof(T) == 4);
        if (count > valuesLeft()) damaged(std::string(what) + " are not all there");
        std::vector<T> values(static_cast<size_t>(count));
        if (count > 0) std::memcpy(values.data(), m_values.data(), values.size() * sizeof(T));
        m_values = m_values.subspan(values.size() * sizeof(T));
        return values;
    }

    const json& m_object;
    std::span<const std::byte> m_values;
};

RunIdentity readIdentity(const Reader& reader) {
    constexpr size_t kMostRequestBytes = size_t{4} << 20; // two prompts, all of it escaped
    RunIdentity run;
    run.request = reader.text("request", kMostRequestBytes);
    run.engineVersion = reader.text("engine", kMostNameBytes);
    run.device = reader.text("device", kMostNameBytes);
    run.precision = reader.text("precision", kMostNameBytes);
    const int64_t threads = reader.number("threads");
    if (threads > std::numeric_limits<int>::max()) damaged("threads is out of range");
    run.threads = static_cast<int>(threads);
    run.model = reader.text("model", kMostNameBytes);
    run.inputs = reader.text("inputs", kMostInputsBytes);
    return run;
}

RunState readRun(Reader& reader) {
    RunState state;
    state.first = reader.number("first");
    state.pictures = reader.number("pictures");
    state.calls = reader.number("calls");
    state.stepsTaken = reader.number("stepsTaken");
    state.latents = reader.tensor(reader.at("latents"), "the latents");
    for (const json& shape : reader.list("history"))
        state.history.push_back(reader.tensor(shape, "the sampler's predictions"));
    state.noise = reader.noise(reader.at("noise"));
    state.finalLatents = reader.tensor(reader.at("finalLatents"), "earlier latents");
    return state;
}

PassState readState(Reader& reader) {
    PassState state;
    state.round = reader.number("round");
    state.pass = reader.number("pass");
    RunState run = readRun(reader);
    const bool begins = reader.flag("passBegins");
    if (begins && run != RunState()) damaged("passBegins, and how far it is stands there too");
    if (!begins) state.run = std::move(run);
    state.taken = reader.batches("taken");
    state.handed = reader.batches("handed");
    state.picture = reader.tensor(reader.at("picture"), "the picture's values");
    reader.finish();
    return state;
}

Checkpoint parse(std::span<const std::byte> bytes) {
    Head head;
    if (bytes.size() < sizeof head) damaged("it is cut short");
    std::memcpy(&head, bytes.data(), sizeof head);
    if (head.magic != kMagic) damaged("it is no checkpoint");
    if (head.format != kFormat)
        throw Error(ErrorCode::Unsupported,
                    "what was kept is in format " + std::to_string(head.format) +
                        ", and this version reads format " + std::to_string(kFormat));
    const auto rest = bytes.subspan(sizeof head);
    if (head.restBytes != rest.size() || head.jsonBytes > rest.size()) damaged("it is cut short");
    if (hashOf(head, rest) != std::string_view(head.hash.data(), head.hash.size()))
        damaged("its hash is not that of its bytes");
    const auto text = rest.first(head.jsonBytes);
    const Result<json> object =
        parseBoundedJson({reinterpret_cast<const char*>(text.data()), text.size()});
    if (!object) damaged(object.error().message());
    Reader reader(*object, rest.subspan(head.jsonBytes));
    Checkpoint checkpoint;
    checkpoint.run = readIdentity(reader);
    checkpoint.left = reader.flag("left");
    checkpoint.state = readState(reader);
    return checkpoint;
}

// An empty object where it is none: the text comes from a file.
json requestObject(const std::string& text) {
    Result<json> object = parseBoundedJson(text);
    return object && object->is_object() ? std::move(*object) : json::object();
}

// "steps was 20 and is 30"; long values are not shown.
std::string requestDifference(const std::string& keptText, const std::string& nowText) {
    const json kept = requestObject(keptText), now = requestObject(nowText);
    constexpr size_t kMostShown = 48;
    const auto shown = [](const json& object, const std::string& name) {
        const auto found = object.find(name);
        return found == object.end() ? std::string("not set") : found->dump();
    };
    for (const pipelines::Parameter& parameter : pipelines::imageParameters()) {
        const std::string name(parameter.name);
        const std::string before = shown(kept, name), after = shown(now, name);
        if (before == after) continue;
        if (before.size() + after.size() > kMostShown) return "the " + name + " is another";
        return name + " was " + before + " and is " + after;
    }
    return "it has parameters that this version does not know";
}

} // namespace

std::string requestIdentity(const pipelines::ImageRequest& request) {
    json object = pipelines::toJson(request);
    for (const char* name : {"previewEvery", "preview", "latents", "saveLatents", "init", "mask",
                             "controlImage", "adapterImage"})
        object.erase(name);
    return object.dump();
}

std::optional<int64_t> seedOf(const RunIdentity& run) {
    const json object = requestObject(run.request);
    if (!object.contains("seed")) return std::nullopt;
    const json& seed = object["seed"];
    if (!seed.is_number_integer()) return std::nullopt;
    constexpr auto most = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    if (seed.is_number_unsigned() ? seed.get<uint64_t>() > most : seed.get<int64_t>() < 0)
        return std::nullopt;
    return seed.get<int64_t>();
}

std::optional<std::string> tilingOf(const RunIdentity& run) {
    const json object = requestObject(run.request);
    const auto tiling = object.find("tiling");
    if (tiling == object.end() || (*tiling != "on" && *tiling != "off")) return std::nullopt;
    return tiling->get<std::string>();
}

std::vector<std::byte> toBytes(const Checkpoint& checkpoint) {
    const std::string text = toJson(checkpoint).dump();
    Head head{kMagic, kFormat, static_cast<uint32_t>(text.size()), 0, {}};
    std::vector<std::byte> bytes(sizeof head);
    append(bytes, std::vector<char>(text.begin(), text.end()));
    append(bytes, checkpoint.state);
    const auto rest = std::span<const std::byte>(bytes).subspan(sizeof head);
    head.restBytes = rest.size();
    std::ranges::copy(hashOf(head, rest), head.hash.begin());
    std::memcpy(bytes.data(), &head, sizeof head);
    return bytes;
}

Result<Checkpoint> checkpointFromBytes(std::span<const std::byte> bytes) {
    try {
        return parse(bytes);
    } catch (const Error& error) {
        return error;
    } catch (const std::exception&) { // memory ran out
        return Error(ErrorCode::OutOfMemory, "what was kept does not fit into memory");
    }
}

std::string whyNot(const RunIdentity& kept, const RunIdentity& now) {
    if (kept.engineVersion != now.engineVersion) return "it was begun by " + kept.engineVersion;
    if (kept.device != now.device) return "it was begun on " + kept.device;
    if (kept.precision != now.precision)
        return "it was begun in " + kept.precision + " and would go on in " + now.precision;
    if (kept.threads != now.threads)
        return "it was begun with " + std::to_string(kept.threads) +
               (kept.threads == 1 ? " thread" : " threads") + " and would go on with " +
               std::to_string(now.threads);
    if (kept.request != now.request)
        return "it was begun for another request: " + requestDifference(kept.request, now.request);
    if (kept.model != now.model) return "the model's files have changed since it was begun";
    if (kept.inputs != now.inputs) return "the files that it begins from have changed";
    return {};
}

} // namespace kinora::core
