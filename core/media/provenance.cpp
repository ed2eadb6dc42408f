#include "core/media/provenance.h"

#include "core/media/sha256.h"
#include "kernels/base/utf8.h"
#include "pipelines/request/parameters.h"

#include <nlohmann/json.hpp>

#include <string_view>

namespace kinora::core {

namespace {

using nlohmann::json;

constexpr std::string_view kFormat = "kinora/1";
constexpr int64_t kMostLatentsIndex = 1'000'000'000;

// What decides the picture; the model is named apart from it, never by a path.
json resultParameters(const pipelines::ImageRequest& request) {
    json all = pipelines::toJson(request);
    json kept = json::object();
    for (const pipelines::Parameter& parameter : pipelines::imageParameters()) {
        const std::string name(parameter.name);
        if (parameter.role != pipelines::ParameterRole::Result || name == "model") continue;
        if (all.contains(name)) kept[name] = std::move(all[name]);
    }
    return kept;
}

[[noreturn]] void refuse(const std::string& what) {
    throw Error(ErrorCode::BadFile, "Kinora's metadata: " + what,
                "Another program may have changed it.");
}

// One object of the metadata, read field by field; a field that nobody asked for is an error.
class Fields {
  public:
    Fields(const json& object, std::string where) : m_object(object), m_where(std::move(where)) {
        if (!object.is_object()) refuse(m_where + " is not an object.");
    }

    const json& at(const char* key) {
        const auto found = m_object.find(key);
        if (found == m_object.end()) refuse(m_where + "." + key + " is missing.");
        ++m_read;
        return *found;
    }

    std::string text(const char* key, size_t maximumBytes) {
        const json& value = at(key);
        if (!value.is_string()) refuse(m_where + "." + key + " is not a text.");
        const auto& text = value.get_ref<const std::string&>();
        if (text.size() > maximumBytes || !isValidUtf8(text) ||
            text.find('\0') != std::string::npos) {
            refuse(m_where + "." + key + " is too long or not valid UTF-8.");
        }
        return text;
    }

    int64_t number(const char* key, int64_t least, int64_t most) {
        const json& value = at(key);
        if (!value.is_number_integer()) refuse(m_where + "." + key + " is not a whole number.");
        const bool tooLarge =
            value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(most);
        if (tooLarge || value.get<int64_t>() < least || value.get<int64_t>() > most) {
            refuse(m_where + "." + key + " is out of range.");
        }
        return value.get<int64_t>();
    }

    // "sha256:" and 64 hexadecimal digits, or empty.
    std::string hash(const char* key) {
        const std::string value = text(key, 71);
        if (!value.empty() && !isSha256Name(value))
            refuse(m_where + "." + key + " is not a SHA-256.");
        return value;
    }

    // A list of such, none of them empty.
    std::vector<std::string> hashes(const char* key) {
        constexpr size_t kMost = 1000;
        const json& list = at(key);
        if (!list.is_array() || list.size() > kMost)
            refuse(m_where + "." + key + " is not a list of hashes.");
        std::vector<std::string> hashes;
        for (const json& value : list) {
            if (!value.is_string() || !isSha256Name(value.get_ref<const std::string&>()))
                refuse(m_where + "." + key + " has something that is not a SHA-256.");
            hashes.push_back(value.get<std::string>());
        }
        return hashes;
    }

    void noMore() const {
        if (m_read != m_object.size()) refuse(m_where + " has a field that is not known.");
    }

  private:
    const json& m_object;
    std::string m_where;
    size_t m_read = 0;
};

std::vector<UsedFile> parseFiles(const json& list) {
    constexpr size_t kMost = 1000;
    if (!list.is_array() || list.size() > kMost) refuse("files is not a list of files.");
    std::vector<UsedFile> files;
    for (const json& entry : list) {
        Fields file(entry, "files");
        files.push_back({file.text("name", 4096), file.hash("hash")});
        file.noMore();
    }
    return files;
}

std::vector<Enlargement> parseEnlargements(const json& list) {
    constexpr size_t kMost = 16;
    constexpr int64_t kMostScale = 64, kMostTile = 1 << 16;
    if (!list.is_array() || list.size() > kMost) refuse("upscaled is not a list of steps.");
    std::vector<Enlargement> enlargements;
    for (const json& entry : list) {
        Fields step(entry, "upscaled");
        enlargements.push_back({{step.text("name", 4096), step.hash("hash")},
                                step.number("scale", 1, kMostScale),
                                step.text("precision", 64),
                                step.number("tile", 1, kMostTile),
                                entry.contains("source") ? step.text("source", 16) : ""});
        step.noMore();
    }
    return enlargements;
}

Provenance parse(const json& object) {
    Fields top(object, "the top level");
    const std::string format = top.text("format", 64);
    if (format.starts_with("kinora/") && format != kFormat) {
        throw Error(ErrorCode::Unsupported,
                    "Kinora's metadata: its format is " + format + ", and this program reads " +
                        std::string(kFormat) + ".",
                    "A newer version of Kinora made this picture; update.");
    }
    if (format != kFormat) refuse("format is not " + std::string(kFormat) + ".");

    Provenance provenance;
    Fields model(top.at("model"), "model");
    provenance.modelName = model.text("name", 4096);
    provenance.modelHash = model.hash("hash");
    model.noMore();
    Fields plan(top.at("plan"), "plan");
    provenance.device = plan.text("device", 256);
    provenance.precision = plan.text("precision", 64);
    provenance.threads = static_cast<int>(plan.number("threads", 0, 1 << 20));
    provenance.batch = plan.number("batch", 1, 1 << 20);
    plan.noMore();
    provenance.engineVersion = top.text("engine", 256);
    if (object.contains("latentsHash")) provenance.latentsHash = top.hash("latentsHash");
    if (object.contains("latentsIndex"))
        provenance.latentsIndex = top.number("latentsIndex", 0, kMostLatentsIndex);
    if (object.contains("files")) provenance.files = parseFiles(top.at("files"));
    if (object.contains("initHash")) provenance.initHash = top.hash("initHash");
    if (object.contains("maskHash")) provenance.maskHash = top.hash("maskHash");
    if (object.contains("controlHashes")) provenance.controlHashes = top.hashes("controlHashes");
    if (object.contains("adapterHashes")) provenance.adapterHashes = top.hashes("adapterHashes");
    if (object.contains("upscaled"))
        provenance.enlargements = parseEnlargements(top.at("upscaled"));
    provenance.outputHash = top.hash("outputHash");

    json request = top.at("request");
    top.noMore();
    if (!request.is_object()) refuse("request is not an object.");
    for (const auto& [name, value] : request.items()) {
        const pipelines::Parameter* parameter = pipelines::findImageParameter(name);
        if (parameter && parameter->role != pipelines::ParameterRole::Result) {
            refuse("request." + name + " does not belong there.");
        }
    }
    request["model"] = provenance.modelName;
    provenance.request = pipelines::imageRequestFromJson(request);
    // Pictures from before there was such a choice say nothing, and nothing was pasted.
    const bool masked = !provenance.maskHash.empty() || provenance.request.outpaint;
    if (masked && !provenance.request.pasteBack) provenance.request.pasteBack = "off";
    return provenance;
}

} // namespace

json toJson(const Provenance& provenance) {
    json object = {{"format", kFormat},
                   {"engine", provenance.engineVersion},
                   {"model", {{"name", provenance.modelName}, {"hash", provenance.modelHash}}},
                   {"plan",
                    {{"device", provenance.device},
                     {"precision", provenance.precision},
                     {"threads", provenance.threads},
                     {"batch", provenance.batch}}},
                   {"request", resultParameters(provenance.request)},
                   {"outputHash", provenance.outputHash}};
    for (const UsedFile& file : provenance.files)
        object["files"].push_back({{"name", file.name}, {"hash", file.hash}});
    for (const Enlargement& step : provenance.enlargements) {
        object["upscaled"].push_back({{"name", step.upscaler.name},
                                      {"hash", step.upscaler.hash},
                                      {"scale", step.scale},
                                      {"precision", step.precision},
                                      {"tile", step.tile}});
        if (!step.source.empty()) object["upscaled"].back()["source"] = step.source;
    }
    if (!provenance.latentsHash.empty()) {
        object["latentsHash"] = provenance.latentsHash;
        object["latentsIndex"] = provenance.latentsIndex;
    }
    if (!provenance.initHash.empty()) object["initHash"] = provenance.initHash;
    if (!provenance.maskHash.empty()) object["maskHash"] = provenance.maskHash;
    if (!provenance.controlHashes.empty()) object["controlHashes"] = provenance.controlHashes;
    if (!provenance.adapterHashes.empty()) object["adapterHashes"] = provenance.adapterHashes;
    return object;
}

Result<Provenance> provenanceFromJson(const json& json) {
    try {
        return parse(json);
    } catch (const Error& error) {
        if (error.code() != ErrorCode::InvalidArgument) return error;
        return Error(ErrorCode::BadFile, "Kinora's metadata: " + error.message(),
                     "Another program may have changed it.");
    } catch (const std::exception& error) {
        return Error(ErrorCode::BadFile, std::string("Kinora's metadata: ") + error.what(),
                     "Another program may have changed it.");
    }
}

} // namespace kinora::core
