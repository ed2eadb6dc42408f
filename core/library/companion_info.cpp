#include "core/library/companion_info.h"

#include "core/library/companion_files.h"
#include "core/media/text_encoding.h"
#include "kernels/base/error.h"
#include "pipelines/upscale/upscaler_file.h"
#include "pipelines/weights/control_file.h"
#include "pipelines/weights/external_vae.h"
#include "pipelines/weights/ip_adapter_file.h"
#include "pipelines/weights/json_text.h"
#include "pipelines/weights/lora/lora_family.h"
#include "pipelines/weights/lora/lora_modules.h"
#include "pipelines/weights/textual_inversion.h"
#include "pipelines/weights/weight_file.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <memory>

namespace kinora::core {

namespace fs = std::filesystem;

namespace {

constexpr size_t kMostWords = 5, kLongestWord = 200;

void addWord(std::vector<std::string>& words, const std::string& word) {
    const std::string clean = trimmed(repairedUtf8(word.substr(0, kLongestWord)));
    if (!clean.empty() && words.size() < kMostWords) words.push_back(clean);
}

// kohya's {"folder": {"tag": count, ...}, ...}: the most frequent tags over all folders.
void addFrequentTags(const std::string& text, const std::string& label,
                     std::vector<std::string>& words) {
    const nlohmann::json folders = pipelines::parseJsonObject(text, label);
    std::map<std::string, int64_t> counts;
    for (const auto& [folder, tags] : folders.items()) {
        if (!tags.is_object()) continue;
        for (const auto& [tag, count] : tags.items())
            if (count.is_number_unsigned() && count.get<uint64_t>() < (uint64_t{1} << 40))
                counts[tag] += static_cast<int64_t>(count.get<uint64_t>());
    }
    std::vector<std::pair<std::string, int64_t>> sorted(counts.begin(), counts.end());
    std::ranges::stable_sort(sorted, std::ranges::greater(),
                             &std::pair<std::string, int64_t>::second);
    for (const auto& [tag, count] : sorted) addWord(words, tag);
}

std::string shortRemark(const pipelines::WeightSource& file, std::string_view key) {
    return trimmed(repairedUtf8(file.remark(key).substr(0, kLongestWord)));
}

void addTriggerWords(CompanionInfo& info, const pipelines::WeightSource& file) {
    addWord(info.triggerWords, file.remark("modelspec.trigger_phrase"));
    const std::string tags = file.remark("ss_tag_frequency");
    if (!info.triggerWords.empty() || tags.empty()) return;
    try {
        addFrequentTags(tags, file.label(), info.triggerWords);
    } catch (const Error&) {
        // A remark that is damaged says nothing; the weights may be good.
    }
}

// Shared: several readers are shown one open file until one of them knows it.
using OpenedFile = std::shared_ptr<const pipelines::WeightSource>;

CompanionInfo readLora(const fs::path&, const OpenedFile& file) {
    const std::vector<pipelines::LoraModule> modules = pipelines::loraModulesIn(*file).modules;
    CompanionInfo info;
    info.kind = pipelines::kindOf(modules);
    info.family = pipelines::familyOf(modules);
    if (info.family.empty()) info.family = shortRemark(*file, "modelspec.architecture");
    info.title = shortRemark(*file, "modelspec.title");
    if (info.title.empty()) info.title = shortRemark(*file, "ss_output_name");
    info.licence = shortRemark(*file, "modelspec.license");
    addTriggerWords(info, *file);
    return info;
}

CompanionInfo readIpAdapter(const fs::path& path, const OpenedFile& file) {
    CompanionInfo info;
    info.kind = "IP-Adapter";
    info.family = pipelines::familyOfTextWidth(pipelines::IpAdapterFile(path, file).tokenWidth());
    return info;
}

CompanionInfo readControl(const fs::path& path, const OpenedFile& opened) {
    const pipelines::ControlFile file(path, *opened);
    CompanionInfo info;
    info.kind = pipelines::controlKindName(file.kind());
    info.family = file.family();
    return info;
}

CompanionInfo readEmbedding(const fs::path& path, const OpenedFile& file) {
    CompanionInfo info;
    info.kind = "embedding";
    info.family = pipelines::TextualInversion(*file).family();
    info.triggerWords = {repairedUtf8(companionName(path))};
    return info;
}

CompanionInfo readUpscaler(const fs::path&, const OpenedFile& file) {
    const pipelines::UpscalerConfig config = pipelines::UpscalerFile(file).config();
    CompanionInfo info;
    info.kind = "upscaler";
    info.family = std::to_string(config.scale) + "x, " + upscalerKindName(*config.kind);
    return info;
}

CompanionInfo readVae(const fs::path& path, const OpenedFile& file) {
    const pipelines::ExternalVae vae(path, *file);
    if (vae.isWholeModel()) throw Error(ErrorCode::Unsupported, "a whole model");
    CompanionInfo info;
    info.kind = vae.isTiny() ? "TAESD" : "VAE";
    return info;
}

struct Reader {
    CompanionKind kind;
    // Throws Error: it is something else.
    CompanionInfo (*read)(const fs::path& path, const OpenedFile& file);
};

// Of the file, not of the moment: it will say the same tomorrow.
bool isLasting(const Error& error) {
    return error.code() == ErrorCode::BadFile || error.code() == ErrorCode::Unsupported;
}

std::optional<CompanionInfo> describe(const fs::path& path) {
    std::array readers{Reader{CompanionKind::Lora, readLora},
                       Reader{CompanionKind::IpAdapter, readIpAdapter},
                       Reader{CompanionKind::ControlNet, readControl},
                       Reader{CompanionKind::Embedding, readEmbedding},
                       Reader{CompanionKind::Upscaler, readUpscaler},
                       Reader{CompanionKind::Vae, readVae}};
    const OpenedFile opened = pipelines::openWeightFile(path, path.filename().string());
    // The kind that its folder tells of comes first, and mostly last.
    const CompanionFile file{path};
    std::ranges::stable_partition(
        readers, [&](const Reader& reader) { return file.inFolderOf(reader.kind); });
    for (const Reader& reader : readers) {
        try {
            return reader.read(path, opened);
        } catch (const Error& error) {
            if (!isLasting(error)) throw;
        }
    }
    return std::nullopt;
}

} // namespace

Result<std::optional<CompanionInfo>> describeCompanion(const fs::path& path) {
    std::optional<CompanionInfo> info;
    try {
        info = describe(path);
    } catch (const Error& error) {
        if (isLasting(error)) return std::optional<CompanionInfo>();
        return error;
    } catch (const std::exception& error) { // memory ran out
        return Error(ErrorCode::Io, shownPath(path) + ": " + error.what());
    }
    if (info) setFile(*info, path);
    return info;
}

void setFile(CompanionInfo& info, const fs::path& path) {
    std::error_code error;
    info.name = repairedUtf8(companionName(path));
    info.path = path;
    info.sizeBytes = fs::file_size(path, error);
    if (error) info.sizeBytes = 0;
    if (info.title == info.name) info.title.clear();
}

std::optional<CompanionInfo> readCompanionInfo(const fs::path& path) {
    Result<std::optional<CompanionInfo>> info = describeCompanion(path);
    return info ? *std::move(info) : std::nullopt;
}

} // namespace kinora::core
