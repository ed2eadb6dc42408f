#include "core/media/bounded_json.h"
#include "core/media/foreign_metadata.h"
#include "core/media/found_parameters.h"
#include "core/media/sampler_names.h"

#include <nlohmann/json.hpp>

#include <string>

namespace kinora::core {

namespace {

using nlohmann::json;

std::string textOf(const json& value) {
    if (value.is_string()) return value.get<std::string>();
    return value.is_number() ? value.dump() : std::string();
}

void takeSampler(FoundParameters& found, std::string_view theirName, const std::string& value) {
    const std::optional<SamplerAndSchedule> known = samplerFromInvokeAi(value);
    if (!known) {
        found.other(theirName, value);
        return;
    }
    found.set("sampler", theirName, known->sampler);
    if (!known->schedule.empty()) found.set("schedule", theirName, known->schedule);
}

// The first versions put what is not wanted into the prompt, in square brackets.
void takePrompt(FoundParameters& found, const std::string& text) {
    std::string prompt;
    std::string negative;
    size_t at = 0;
    while (at < text.size()) {
        const size_t open = text.find('[', at);
        const size_t close = open == std::string::npos ? open : text.find(']', open);
        if (close == std::string::npos) break;
        prompt.append(text, at, open - at);
        if (!negative.empty()) negative += ", ";
        negative.append(text, open + 1, close - open - 1);
        at = close + 1;
    }
    prompt.append(text, at, std::string::npos);
    const size_t end = prompt.find_last_not_of(' ');
    prompt.resize(end == std::string::npos ? 0 : end + 1);
    found.set("prompt", "prompt", prompt);
    if (!negative.empty()) found.set("negative", "prompt", negative);
}

// "model" is an object in version 3 and later, a kind in version 2.
void takeModel(FoundParameters& found, const json& model) {
    for (const char* key : {"name", "model_name"}) {
        if (model.is_object() && model.contains(key) && model[key].is_string()) {
            found.set("model", "model", model[key].get<std::string>());
            break;
        }
    }
    if (model.is_object() && model.contains("hash") && model["hash"].is_string()) {
        found.other("model hash", model["hash"].get<std::string>());
    }
}

void takeValue(FoundParameters& found, const std::string& name, const json& value) {
    struct Direct {
        std::string_view theirs;
        std::string_view ours;
    };
    constexpr Direct direct[] = {
        {"positive_prompt", "prompt"},
        {"negative_prompt", "negative"},
        {"width", "width"},
        {"height", "height"},
        {"seed", "seed"},
        {"steps", "steps"},
        {"cfg_scale", "cfg"},
        {"cfg_rescale_multiplier", "guidanceRescale"},
        {"model_weights", "model"},
    };
    const std::string text = textOf(value);
    for (const Direct& row : direct) {
        if (row.theirs != name) continue;
        if (!text.empty()) found.set(row.ours, name, text);
        return;
    }
    if (name == "scheduler" || name == "sampler") {
        takeSampler(found, name, text);
    } else if (name == "rand_device") {
        found.set("noise", name, text == "cpu" ? "torch-cpu" : "philox");
    } else if (name == "clip_skip") {
        // Theirs counts the layers that are left out, ours the layer that is used.
        const int64_t skipped = value.is_number_integer() ? value.get<int64_t>() : 0;
        if (skipped > 0 && skipped < 32) found.set("clipSkip", name, std::to_string(skipped + 1));
    } else if (name == "model") {
        takeModel(found, value);
    } else if (name == "prompt" && value.is_string()) {
        takePrompt(found, text);
    } else if (name == "prompt" && value.is_array() && !value.empty() && value[0].is_object()) {
        takePrompt(found, textOf(value[0].value("prompt", json())));
    } else if (!text.empty() && text.size() < 1000) {
        found.other(name, text);
    }
}

// The word at `at`, in quotes or up to a space; `at` moves behind it.
std::string nextWord(std::string_view text, size_t& at) {
    at = std::min(text.find_first_not_of(' ', at), text.size());
    std::string word;
    if (at < text.size() && text[at] == '"') {
        for (++at; at < text.size() && text[at] != '"'; ++at) {
            if (text[at] == '\\' && at + 1 < text.size()) ++at;
            word += text[at];
        }
        at = std::min(at + 1, text.size());
        return word;
    }
    const size_t end = std::min(text.find(' ', at), text.size());
    word = text.substr(at, end - at);
    at = end;
    return word;
}

} // namespace

void readInvokeAi(std::string_view metadataJson, PictureInfo& info) {
    const Result<json> parsed = parseBoundedJson(metadataJson, NonFiniteNumbers::AsNull);
    if (!parsed) noteDamage(info, "InvokeAI", parsed.error());
    if (!parsed || !parsed->is_object()) return;
    info.madeWith = "InvokeAI";
    FoundParameters found(info);
    for (const auto& [name, value] : parsed->items()) {
        if (name != "image") takeValue(found, name, value);
    }
    const auto image = parsed->find("image");
    if (image == parsed->end() || !image->is_object()) return;
    for (const auto& [name, value] : image->items()) takeValue(found, name, value);
}

void readDream(std::string_view command, PictureInfo& info) {
    info.madeWith = "InvokeAI";
    FoundParameters found(info);
    size_t at = 0;
    takePrompt(found, nextWord(command, at));
    while (at < command.size()) {
        const std::string option = nextWord(command, at);
        if (option.size() < 2 || option[0] != '-') continue;
        // Both "-s 50" and "-s50".
        const std::string value = option.size() > 2 ? option.substr(2) : nextWord(command, at);
        switch (option[1]) {
        case 's': found.set("steps", "-s", value); break;
        case 'S': found.set("seed", "-S", value); break;
        case 'W': found.set("width", "-W", value); break;
        case 'H': found.set("height", "-H", value); break;
        case 'C': found.set("cfg", "-C", value); break;
        case 'A': takeSampler(found, "-A", value); break;
        default: found.other(option.substr(0, 2), value); break;
        }
    }
}

} // namespace kinora::core
