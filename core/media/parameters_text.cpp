// The web UIs' "parameters" text: a prompt, "Negative prompt: " and one line of "Name: value".

#include "core/media/found_parameters.h"
#include "core/media/metadata.h"
#include "core/media/sampler_names.h"
#include "core/media/text_encoding.h"
#include "pipelines/request/free_u.h"
#include "pipelines/request/parameters.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace kinora::core {

namespace {

constexpr std::string_view kNegative = "Negative prompt:";
constexpr size_t kMaximumFields = 500;

using Fields = std::vector<std::pair<std::string, std::string>>;

// Values with a comma, a colon or a line break stand in quotes, as a JSON string.
std::string quoted(const std::string& value) {
    if (value.find_first_of(",:\n") == std::string::npos) return value;
    return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string unquoted(const std::string& value) {
    const nlohmann::json parsed = nlohmann::json::parse(value, nullptr, false);
    return parsed.is_string() ? parsed.get<std::string>() : value;
}

std::string valueOf(const pipelines::ImageRequest& request, std::string_view name) {
    const pipelines::Parameter* parameter = pipelines::findImageParameter(name);
    return parameter ? pipelines::toText(request, *parameter).value_or("") : "";
}

bool isNameCharacter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == ' ' || c == '-' || c == '/' || c == '+' || c == '.' ||
           static_cast<unsigned char>(c) >= 0x80;
}

// The end of the value that starts at `at`: behind its closing quote or brace, or at a comma.
size_t valueEnd(std::string_view line, size_t at) {
    if (at < line.size() && line[at] == '"') {
        for (size_t i = at + 1; i < line.size(); ++i) {
            if (line[i] == '\\') {
                ++i;
            } else if (line[i] == '"' && (i + 1 == line.size() || line[i + 1] == ',')) {
                return i + 1;
            }
        }
    }
    if (at < line.size() && line[at] == '{') {
        int open = 0;
        for (size_t i = at; i < line.size(); ++i) {
            open += line[i] == '{' ? 1 : line[i] == '}' ? -1 : 0;
            if (open == 0) return i + 1;
        }
    }
    return std::min(line.find(',', at), line.size());
}

// "Steps: 24, Sampler: Euler a, ..." in its order; parts that are no such pair are passed over.
Fields fieldsOf(std::string_view line) {
    Fields fields;
    size_t at = 0;
    while (at < line.size() && fields.size() < kMaximumFields) {
        at = line.find_first_not_of(" ,\t", at);
        if (at == std::string_view::npos) break;
        size_t colon = at;
        while (colon < line.size() && isNameCharacter(line[colon])) ++colon;
        if (colon == line.size() || line[colon] != ':' || colon == at) {
            at = std::min(line.find(',', colon), line.size());
            continue;
        }
        const std::string name = trimmed(line.substr(at, colon - at));
        const size_t start = std::min(line.find_first_not_of(' ', colon + 1), line.size());
        const size_t end = valueEnd(line, start);
        std::string value = trimmed(line.substr(start, end - start));
        fields.emplace_back(name, value.starts_with('"') ? unquoted(value) : value);
        at = end;
    }
    return fields;
}

struct Split {
    std::string prompt;
    std::string negative;
    Fields fields;
    std::string rest; // behind the line of fields
};

// Where the line of fields begins and ends: the last one that starts with "Steps: "; else, as the
// web UIs do, the last line when it holds three fields.
std::pair<size_t, size_t> fieldLine(std::string_view text) {
    size_t start = text.rfind("\nSteps: ");
    start = start != std::string_view::npos ? start + 1
            : text.starts_with("Steps: ")   ? 0
                                            : std::string_view::npos;
    if (start == std::string_view::npos) {
        const size_t last = text.rfind('\n');
        const size_t candidate = last == std::string_view::npos ? 0 : last + 1;
        if (fieldsOf(text.substr(candidate)).size() < 3) return {text.size(), text.size()};
        start = candidate;
    }
    return {start, std::min(text.find('\n', start), text.size())};
}

Split split(const std::string& text) {
    std::string clean = repairedUtf8(text);
    std::erase(clean, '\r');
    clean = trimmed(clean);
    const auto [start, end] = fieldLine(clean);
    Split parts;
    parts.fields = fieldsOf(std::string_view(clean).substr(start, end - start));
    parts.rest = trimmed(std::string_view(clean).substr(end));
    std::string head = trimmed(std::string_view(clean).substr(0, start));
    size_t negative = head.starts_with(kNegative) ? 0 : head.find("\n" + std::string(kNegative));
    if (negative != std::string::npos) {
        if (negative > 0) ++negative;
        parts.negative = trimmed(std::string_view(head).substr(negative + kNegative.size()));
        head.resize(negative);
    }
    parts.prompt = trimmed(head);
    return parts;
}

void takeSize(FoundParameters& found, const std::string& value) {
    const size_t x = value.find('x');
    if (x == std::string::npos) {
        found.other("Size", value);
        return;
    }
    found.set("width", "Width", value.substr(0, x));
    found.set("height", "Height", value.substr(x + 1));
}

void takeSampler(FoundParameters& found, const std::string& value, bool hasScheduleField) {
    const std::optional<SamplerAndSchedule> known = samplerFromWebUi(value);
    if (!known) {
        found.other("Sampler", value);
        return;
    }
    if (found.set("sampler", "Sampler", known->sampler) && !known->schedule.empty() &&
        !hasScheduleField) {
        found.set("schedule", "Schedule type", known->schedule);
    }
}

// A network's file; the web UIs' own filters are none. Lanczos' is ours where no network is named.
void takeHiresUpscaler(FoundParameters& found, const std::string& value) {
    const bool filter = value == "None" || value == "Nearest" || value.starts_with("Latent");
    if (value == "Lanczos") return;
    filter ? found.other("Hires upscaler", value)
           : void(found.set("hiresUpscaler", "Hires upscaler", value));
}

void takeField(FoundParameters& found, const std::string& name, const std::string& value,
               bool hasScheduleField, bool hasSecondPass) {
    struct Direct {
        std::string_view theirs;
        std::string_view ours;
    };
    constexpr Direct direct[] = {
        {"Steps", "steps"},         {"CFG scale", "cfg"},
        {"Seed", "seed"},           {"Clip skip", "clipSkip"},
        {"Eta DDIM", "eta"},        {"CFG rescale", "guidanceRescale"},
        {"Model", "model"},         {"Background", "background"},
        {"Hires upscale", "hires"}, {"Hires steps", "hiresSteps"},
        {"PAG Scale", "pag"},
    };
    for (const Direct& row : direct) {
        if (row.theirs != name) continue;
        found.set(row.ours, name, value);
        return;
    }
    if (name == "Size") {
        takeSize(found, value);
    } else if (name == "Sampler") {
        takeSampler(found, value, hasScheduleField);
    } else if (name == "Schedule type") {
        const std::optional<std::string> schedule = scheduleFromWebUi(value);
        schedule ? void(found.set("schedule", name, *schedule)) : found.other(name, value);
    } else if (name == "Hires upscaler") {
        takeHiresUpscaler(found, value);
    } else if (name == "Denoising strength" && hasSecondPass) {
        found.set("hiresStrength", name, value);
    } else if (name == "RNG") {
        found.set("noise", name, value == "CPU" ? "torch-cpu" : "philox");
    } else {
        found.other(name, value);
    }
}

// Of a second pass, and of what extensions add to a run; the names are theirs (FreeU:
// sd-webui-freeu, PAG: sd-webui-incantations).
void addPasses(Fields& fields, const Provenance& provenance) {
    const pipelines::ImageRequest& request = provenance.request;
    const auto add = [&](const char* theirs, const char* ours) {
        fields.emplace_back(theirs, valueOf(request, ours));
    };
    if (request.hires) {
        add("Denoising strength", "hiresStrength");
        add("Hires upscale", "hires");
        add("Hires steps", "hiresSteps");
        fields.emplace_back("Hires upscaler", request.hiresUpscaler.value_or("Lanczos"));
    } else if (!provenance.initHash.empty()) {
        add("Denoising strength", "strength");
    }
    if (request.maskBlur) add("Mask blur", "maskBlur");
    if (const auto freeU = pipelines::parseFreeU(request.freeU.value_or("off"));
        freeU && request.freeU.value_or("off") != "off") {
        const nlohmann::ordered_json stages = {
            {{"backbone_factor", freeU->backbone1}, {"skip_factor", freeU->skip1}},
            {{"backbone_factor", freeU->backbone2}, {"skip_factor", freeU->skip2}}};
        fields.emplace_back("FreeU Stages", stages.dump());
        fields.emplace_back("FreeU Schedule", "0.0, 1.0, 0.0"); // in the whole run
    }
    if (request.pag.value_or(0) > 0) {
        fields.emplace_back("PAG Active", "True");
        add("PAG Scale", "pag");
    }
}

// As the run began: what a second pass or an upscaler made of it is told beside it.
std::string sizeText(const pipelines::ImageRequest& request, int64_t width, int64_t height) {
    if (request.hires || request.upscaler) {
        width = request.width.value_or(width);
        height = request.height.value_or(height);
    }
    return std::to_string(width) + "x" + std::to_string(height);
}

} // namespace

std::string parametersText(const Provenance& provenance, int width, int height) {
    int64_t enlarged = 1; // by what was done to the picture afterwards
    std::string upscalers;
    for (const Enlargement& step : provenance.enlargements) {
        enlarged *= step.scale;
        upscalers += (upscalers.empty() ? "" : ", ") + step.upscaler.name;
    }
    const pipelines::ImageRequest& request = provenance.request;
    std::string text = request.prompt;
    if (!request.negative.empty()) text += "\n" + std::string(kNegative) + " " + request.negative;
    const std::string& hash = provenance.modelHash;
    Fields fields = {
        {"Steps", valueOf(request, "steps")},
        {"Sampler", webUiSampler(request.sampler.value_or(""))},
        {"Schedule type", webUiSchedule(request.schedule.value_or(""))},
        {"CFG scale", valueOf(request, "cfg")},
        {"Seed", valueOf(request, "seed")},
        {"Size", sizeText(request, width / enlarged, height / enlarged)},
        {"Model hash", hash.starts_with("sha256:") ? hash.substr(7, 10) : ""},
        {"Model", provenance.modelName},
        {"Clip skip", request.clipSkip > 1 ? valueOf(request, "clipSkip") : ""},
        {"RNG", request.noise == "torch-cpu" ? "CPU" : ""},
        {"CFG rescale",
         request.guidanceRescale.value_or(0) > 0 ? valueOf(request, "guidanceRescale") : ""},
        {"Eta DDIM", request.eta > 0 ? valueOf(request, "eta") : ""},
        {"Postprocess upscaler", upscalers},
        {"Postprocess upscale by", upscalers.empty() ? "" : std::to_string(enlarged)},
    };
    addPasses(fields, provenance);
    fields.emplace_back("Version", provenance.engineVersion);
    std::string line;
    for (const auto& [name, value] : fields) {
        if (value.empty()) continue;
        line += (line.empty() ? "" : ", ") + name + ": " + quoted(value);
    }
    return text + "\n" + line;
}

PictureInfo parseParametersText(const std::string& text) {
    PictureInfo info;
    const Split parts = split(text);
    FoundParameters found(info);
    const auto has = [&](std::string_view name) {
        return std::ranges::any_of(parts.fields, [&](const auto& f) { return f.first == name; });
    };
    info.madeWith = has("Steps") ? "A1111" : "";
    found.set("prompt", "Prompt", parts.prompt);
    if (!parts.negative.empty()) found.set("negative", "Negative prompt", parts.negative);
    // Without a word about it, the web UIs draw their noise as CUDA does. Their prompts are in
    // their language; ours, where this is what is left of our metadata, are as they are.
    if (!parts.fields.empty()) info.request->noise = "philox";
    const bool own = std::ranges::any_of(parts.fields, [](const auto& field) {
        return field.first == "Version" && field.second.starts_with("kinora");
    });
    if (!parts.fields.empty() && !own) info.request->promptSyntax = "a1111";
    for (const auto& [name, value] : parts.fields) {
        takeField(found, name, value, has("Schedule type"), has("Hires upscale"));
    }
    if (!parts.rest.empty()) found.other("Rest", parts.rest);
    return info;
}

} // namespace kinora::core
