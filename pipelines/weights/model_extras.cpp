#include "pipelines/weights/model_extras.h"

#include "kernels/base/error.h"
#include "pipelines/request/parameters.h"
#include "pipelines/weights/config_reader.h"

#include <algorithm>

namespace kinora::pipelines {
namespace {

constexpr size_t kLongestName = 200;
constexpr double kLargestFactor = 100; // a latent of order one makes a colour of order one

std::string readName(ConfigReader& reader) {
    std::string name = reader.text("name", "");
    const bool hasControls = std::any_of(name.begin(), name.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    if (name.size() > kLongestName || hasControls)
        reader.badValue("name", "a line of at most 200 bytes");
    return name;
}

// The defaults are the beginning of a request, so they are checked as one.
nlohmann::json readDefaults(ConfigReader& reader, const nlohmann::json& json,
                            const std::string& label) {
    if (!reader.has("defaults")) return nlohmann::json::object();
    const nlohmann::json& defaults = json.at("defaults");
    if (!defaults.is_object()) reader.badValue("defaults", "an object");
    try {
        imageRequestFromJson(defaults);
    } catch (const Error& error) {
        throw Error(ErrorCode::BadFile, label + ": \"defaults\": " + error.message(),
                    error.advice());
    }
    return defaults;
}

AlphaMeaning readAlpha(ConfigReader& reader) {
    const std::string alpha = reader.text("alpha", "none");
    if (alpha == "over-white") return AlphaMeaning::OverWhite;
    if (alpha != "none") reader.unsupported("alpha");
    return AlphaMeaning::None;
}

std::array<float, 3> readColour(ConfigReader& reader, std::string_view key,
                                const nlohmann::json& value) {
    const std::string expected = "three numbers from -100 to 100";
    if (!value.is_array() || value.size() != 3) reader.badValue(key, expected);
    std::array<float, 3> colour{};
    for (size_t i = 0; i < colour.size(); ++i) {
        if (!value[i].is_number()) reader.badValue(key, expected);
        const auto number = value[i].get<double>();
        if (!(number >= -kLargestFactor && number <= kLargestFactor))
            reader.badValue(key, expected);
        colour[i] = static_cast<float>(number);
    }
    return colour;
}

std::vector<std::array<float, 3>> readFactors(ConfigReader& reader, const nlohmann::json& json,
                                              int64_t latentChannels) {
    if (!reader.has("previewFactors")) return {};
    const nlohmann::json& rows = json.at("previewFactors");
    const std::string count =
        latentChannels ? std::to_string(latentChannels) : std::string("at most 1024");
    const bool fits = rows.is_array() && !rows.empty() && rows.size() <= 1024 &&
                      (!latentChannels || rows.size() == static_cast<size_t>(latentChannels));
    if (!fits) reader.badValue("previewFactors", count + " rows, one for each latent channel");
    std::vector<std::array<float, 3>> factors;
    for (const nlohmann::json& row : rows)
        factors.push_back(readColour(reader, "previewFactors", row));
    return factors;
}

} // namespace

ModelExtras parseModelExtras(const nlohmann::json& json, int64_t latentChannels,
                             const std::string& label) {
    ConfigReader reader(json, label);
    if (reader.integer("version", 1, 1, INT32_MAX) != 1) reader.unsupported("version");
    ModelExtras extras;
    extras.name = readName(reader);
    extras.defaults = readDefaults(reader, json, label);
    extras.alpha = readAlpha(reader);
    extras.previewFactors = readFactors(reader, json, latentChannels);
    if (reader.has("previewBias"))
        extras.previewBias = readColour(reader, "previewBias", json.at("previewBias"));
    reader.finish();
    return extras;
}

} // namespace kinora::pipelines
