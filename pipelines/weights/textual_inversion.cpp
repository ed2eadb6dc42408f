#include "pipelines/weights/textual_inversion.h"

#include "kernels/base/error.h"
#include "pipelines/weights/file_kind.h"
#include "pipelines/weights/json_text.h"
#include "pipelines/weights/lora/lora_family.h"
#include "pipelines/weights/weight_file.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>

namespace kinora::pipelines {
namespace {

constexpr int64_t kMostVectors = 1024, kMostWidth = 65'536;
constexpr std::string_view kFirst = "text_encoder", kSecond = "text_encoder_2";

// Names of the tensors; empty where the layout has none.
struct Layout {
    std::string first, second;
};

bool isListOfVectors(const WeightSource& source, const std::string& name) {
    const auto info = source.find(name, {});
    return info && (info->shape.rank() == 1 || info->shape.rank() == 2);
}

// A name of a module's parameter ("conv_in.bias") is no token.
bool looksLikeParameter(const std::string& name) {
    return name.ends_with(".weight") || name.ends_with(".bias") || name.ends_with(".alpha");
}

Layout layoutOf(const WeightSource& source) {
    const std::vector<std::string> names = source.names();
    const auto has = [&](const char* name) {
        return std::ranges::find(names, name) != names.end();
    };
    if (has("clip_g")) return {has("clip_l") ? "clip_l" : "", "clip_g"};
    if (has("clip_l")) return {"clip_l", ""};
    if (has("emb_params")) return {"emb_params", ""};
    for (const std::string& name : names)
        if (name.starts_with("string_to_param.")) return {name, ""};
    if (names.size() == 1 && !looksLikeParameter(names.front()) &&
        isListOfVectors(source, names.front()))
        return {names.front(), ""};
    const std::string_view kind = fileKindOf(names);
    throw Error(ErrorCode::Unsupported,
                source.label() + ": is no textual inversion" +
                    (kind.empty() ? "." : ", but " + std::string(kind) + ".") +
                    (names.empty() ? std::string()
                                   : " Its first tensor is " + briefName(names.front()) + "."),
                "Embeddings in the layouts of A1111, diffusers, kohya and SDXL can be used.");
}

int64_t widthOf(const Model& model, std::string_view component) {
    if (!model.has(component)) return 0;
    return model.config(component).value("hidden_size", int64_t{512});
}

} // namespace

TextualInversion::TextualInversion(const std::filesystem::path& path)
    : TextualInversion(*openWeightFile(path, path.filename().string())) {}

TextualInversion::TextualInversion(const WeightSource& opened) : m_label(opened.label()) {
    const Layout layout = layoutOf(opened);
    if (!layout.first.empty()) m_first = readVectors(opened, layout.first);
    if (!layout.second.empty()) m_second = readVectors(opened, layout.second);
    if (m_first.count && m_second.count && m_first.count != m_second.count)
        throw Error(ErrorCode::BadFile,
                    m_label + ": has " + std::to_string(m_first.count) +
                        " vectors for one text encoder and " + std::to_string(m_second.count) +
                        " for the other.",
                    "The file is damaged; get it again.");
}

LearntVectors TextualInversion::readVectors(const WeightSource& source,
                                            const std::string& name) const {
    const auto info = source.find(name, {});
    const auto bad = [&](const std::string& what) {
        return Error(ErrorCode::BadFile, m_label + ": " + briefName(name) + what,
                     "The file is damaged or no embedding; get it again.");
    };
    if (!info || info->shape.rank() < 1 || info->shape.rank() > 2)
        throw bad(" is not a list of vectors.");
    LearntVectors vectors;
    vectors.count = info->shape.rank() == 1 ? 1 : info->shape[0];
    vectors.width = info->shape.last();
    if (vectors.count < 1 || vectors.count > kMostVectors || vectors.width < 1 ||
        vectors.width > kMostWidth)
        throw bad(" has " + std::to_string(vectors.count) + " vectors of " +
                  std::to_string(vectors.width) + " values.");
    vectors.values.resize(static_cast<size_t>(vectors.count * vectors.width));
    source.read(name, 0, vectors.values);
    if (!std::ranges::all_of(vectors.values, [](float value) { return std::isfinite(value); }))
        throw bad(" holds values that are no numbers.");
    return vectors;
}

std::string TextualInversion::family() const {
    if (m_first.count && m_second.count) return "SDXL";
    const LearntVectors& only = m_first.count ? m_first : m_second;
    return familyOfTextWidth(only.width);
}

bool TextualInversion::fits(const Model& model) const {
    const int64_t first = widthOf(model, kFirst), second = widthOf(model, kSecond);
    // A file with one list of vectors is for whichever encoder is there.
    const bool isOne = (m_first.count == 0) != (m_second.count == 0);
    const bool takesOne = (first == 0) != (second == 0);
    const LearntVectors& only = m_first.count ? m_first : m_second;
    return takesOne ? (isOne ? only.width == first + second
                             : first == 0 && m_second.width == second) // the XL refiner
                    : m_first.width == first && m_second.width == second;
}

void TextualInversion::checkFits(const Model& model) const {
    if (fits(model)) return;
    const int64_t first = widthOf(model, kFirst), second = widthOf(model, kSecond);
    const auto widths = [](int64_t one, int64_t two) {
        return std::to_string(one && two ? one : one + two) +
               (one && two ? " and " + std::to_string(two) : "");
    };
    const std::string made = family(), own = familyOfTextWidth(first + second);
    throw Error(ErrorCode::Unsupported,
                m_label + ": was made for " + (made.empty() ? "another kind of model" : made) +
                    ": its vectors have " + widths(m_first.width, m_second.width) +
                    " values, this model" + (own.empty() ? "" : ", " + own + ",") + " takes " +
                    widths(first, second) + ".",
                "Use it with a model of the kind that it was made for.");
}

const LearntVectors& TextualInversion::vectorsFor(std::string_view component) const {
    const bool second = component == kSecond;
    const LearntVectors &own = second ? m_second : m_first, &other = second ? m_first : m_second;
    return own.count ? own : other;
}

} // namespace kinora::pipelines
