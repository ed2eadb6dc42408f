// ComfyUI stores the graph that it ran. The sampler that the saved picture came from is found, and
// from it, against the direction of the links, prompts, size and checkpoint.

#include "core/media/bounded_json.h"
#include "core/media/foreign_metadata.h"
#include "core/media/found_parameters.h"
#include "core/media/sampler_names.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace kinora::core {

namespace {

using nlohmann::json;

constexpr size_t kMaximumNodes = 20'000;
constexpr size_t kMaximumVisits = 20'000;
constexpr int kMaximumSearches = 64; // each may visit all nodes

std::string numberText(const json& value) {
    return value.is_number() ? value.dump() : std::string();
}

class Graph {
  public:
    explicit Graph(const json& nodes) : m_nodes(nodes) {}

    static std::string className(const json& node) {
        const auto found = node.find("class_type");
        return found != node.end() && found->is_string() ? found->get<std::string>()
                                                         : std::string();
    }

    // nullptr where there is no such input.
    static const json* input(const json& node, const char* name) {
        const auto inputs = node.find("inputs");
        if (inputs == node.end() || !inputs->is_object()) return nullptr;
        const auto found = inputs->find(name);
        return found == inputs->end() ? nullptr : &*found;
    }

    // The node that a value of the form ["12", 0] links to; nullptr where it is no link.
    const json* linked(const json& value) const {
        if (!value.is_array() || value.size() != 2) return nullptr;
        const json& id = value[0];
        const std::string key = id.is_string()           ? id.get<std::string>()
                                : id.is_number_integer() ? id.dump()
                                                         : std::string();
        const auto found = m_nodes.find(key);
        return found != m_nodes.end() && found->is_object() ? &*found : nullptr;
    }

    // The first node that `wanted` accepts, going up from `start` breadth first; each node once.
    template <typename Wanted> const json* search(const json* start, Wanted wanted) const {
        std::vector<const json*> waiting{start};
        std::set<const json*> seen;
        for (size_t i = 0; i < waiting.size() && i < kMaximumVisits; ++i) {
            const json* node = waiting[i];
            if (!node || !seen.insert(node).second) continue;
            if (wanted(*node)) return node;
            const auto inputs = node->find("inputs");
            if (inputs == node->end() || !inputs->is_object()) continue;
            for (const json& value : *inputs) waiting.push_back(linked(value));
        }
        return nullptr;
    }

    // The same from what an input links to.
    template <typename Wanted>
    const json* above(const json& node, const char* name, Wanted wanted) const {
        const json* value = input(node, name);
        return value ? search(linked(*value), wanted) : nullptr;
    }

    // A literal, or the literal that a chain of links ends in (primitive and text nodes).
    const json* literal(const json& node, const char* name) const {
        const json* value = input(node, name);
        for (int hop = 0; value && hop < 64; ++hop) {
            const json* source = linked(*value);
            if (!source) return value->is_array() ? nullptr : value;
            value = nullptr;
            for (const char* key : {"value", "text", "string", "seed", "noise_seed", "int"}) {
                if (!value) value = input(*source, key);
            }
        }
        return nullptr;
    }

    std::string text(const json& node, const char* name) const {
        const json* value = literal(node, name);
        if (!value) return {};
        return value->is_string() ? value->get<std::string>() : numberText(*value);
    }

    const json& nodes() const { return m_nodes; }

  private:
    const json& m_nodes;
};

bool isSampler(const json& node) {
    const std::string name = Graph::className(node);
    return name.find("KSampler") != std::string::npos && Graph::input(node, "positive") != nullptr;
}

bool isText(const json& node) {
    return Graph::className(node).starts_with("CLIPTextEncode");
}

// The sampler of the saved picture; where several follow each other, the first, which decides what
// is in the picture.
const json* findSampler(const Graph& graph) {
    const json* last = nullptr;
    int outputs = 0;
    for (const json& node : graph.nodes()) {
        const std::string name = Graph::className(node);
        if (name.find("SaveImage") == std::string::npos && name != "PreviewImage") continue;
        if (!last && ++outputs <= kMaximumSearches) last = graph.search(&node, isSampler);
    }
    for (const json& node : graph.nodes()) {
        if (!last && isSampler(node)) last = &node;
    }
    for (int hop = 0; last && hop < kMaximumSearches; ++hop) {
        const json* earlier = graph.above(*last, "latent_image", isSampler);
        if (!earlier) break;
        last = earlier;
    }
    return last;
}

// SDXL's encoder has two texts, of which text_g is the whole picture.
std::string promptAbove(const Graph& graph, const json& sampler, const char* name) {
    const json* encoder = graph.above(sampler, name, isText);
    if (!encoder) return {};
    for (const char* key : {"text", "text_g", "t5xxl", "text_l"}) {
        const std::string text = graph.text(*encoder, key);
        if (!text.empty()) return text;
    }
    return {};
}

void takeSampler(const Graph& graph, const json& sampler, FoundParameters& found) {
    const auto take = [&](const char* parameter, const char* theirs) {
        const std::string value = graph.text(sampler, theirs);
        if (!value.empty()) found.set(parameter, theirs, value);
    };
    take("steps", "steps");
    take("cfg", "cfg");
    take("seed", Graph::input(sampler, "seed") ? "seed" : "noise_seed");
    const std::string name = graph.text(sampler, "sampler_name");
    if (const auto ours = samplerFromComfyUi(name)) {
        found.set("sampler", "sampler_name", *ours);
    } else if (!name.empty()) {
        found.other("sampler_name", name);
    }
    const std::string schedule = graph.text(sampler, "scheduler");
    if (const auto ours = scheduleFromComfyUi(schedule)) {
        found.set("schedule", "scheduler", *ours);
    } else if (!schedule.empty()) {
        found.other("scheduler", schedule);
    }
    const std::string strength = graph.text(sampler, "denoise");
    if (!strength.empty() && strength != "1" && strength != "1.0") found.other("denoise", strength);
}

void takeGraph(const Graph& graph, const json& sampler, PictureInfo& info) {
    FoundParameters found(info);
    found.set("prompt", "positive", promptAbove(graph, sampler, "positive"));
    info.request->promptSyntax = "comfy";
    const std::string negative = promptAbove(graph, sampler, "negative");
    if (!negative.empty()) found.set("negative", "negative", negative);
    takeSampler(graph, sampler, found);
    const json* latent = graph.above(sampler, "latent_image", [](const json& node) {
        return Graph::input(node, "width") && Graph::input(node, "height");
    });
    if (latent) {
        for (const char* side : {"width", "height"}) {
            const std::string value = graph.text(*latent, side);
            if (!value.empty()) found.set(side, side, value);
        }
    }
    const json* loader = graph.above(sampler, "model", [](const json& node) {
        return Graph::input(node, "ckpt_name") || Graph::input(node, "unet_name");
    });
    if (loader) {
        const bool checkpoint = Graph::input(*loader, "ckpt_name") != nullptr;
        const std::string file = graph.text(*loader, checkpoint ? "ckpt_name" : "unet_name");
        // A name here is the file's stem; theirs is a path below their folder of models.
        const size_t slash = file.find_last_of("/\\");
        const std::string name = slash == std::string::npos ? file : file.substr(slash + 1);
        const size_t dot = name.rfind('.');
        if (!name.empty()) found.set("model", "ckpt_name", name.substr(0, dot));
    }
    for (const json& node : graph.nodes()) {
        const std::string lora = graph.text(node, "lora_name");
        if (!lora.empty() && info.others.size() < 100) found.other("lora_name", lora);
    }
}

} // namespace

void readComfyUi(std::string_view promptJson, PictureInfo& info) {
    const Result<json> nodes = parseBoundedJson(promptJson, NonFiniteNumbers::AsNull);
    const size_t begin = promptJson.find_first_not_of(" \t\r\n");
    if (!nodes && begin != std::string_view::npos && promptJson[begin] == '{')
        noteDamage(info, "ComfyUI", nodes.error());
    if (!nodes || !nodes->is_object() || nodes->size() > kMaximumNodes) return;
    const bool isGraph = std::ranges::any_of(
        *nodes, [](const json& node) { return node.is_object() && node.contains("class_type"); });
    if (!isGraph) return;
    info.madeWith = "ComfyUI";
    const Graph graph(*nodes);
    const json* sampler = findSampler(graph);
    if (sampler) takeGraph(graph, *sampler, info);
}

} // namespace kinora::core
