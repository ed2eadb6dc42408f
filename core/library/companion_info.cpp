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
#include "pipelines/weights/lora/lora_file.h"
#include "pipelines/weights/textual_inversion.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <map>

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

CompanionInfo describeLora(const pipelines::LoraFile& file) {
    CompanionInfo info;
    info.kind = file.kind();
    info.family = pipelines::familyOf(file);
    if (info.family.empty()) info.family = repairedUtf8(file.remark("modelspec.architecture"));
    info.licence = repairedUtf8(file.remark("modelspec.license").substr(0, kLongestWord));
    addWord(info.triggerWords, file.remark("modelspec.trigger_phrase"));
    const std::string tags = file.remark("ss_tag_frequency");
    if (!info.triggerWords.empty() || tags.empty()) return info;
    try {
        addFrequentTags(tags, file.label(), info.triggerWords);
    } catch (const Error&) {
        // A remark that is damaged says nothing; the weights may be good.
    }
    return info;
}

CompanionInfo readLora(const fs::path& path) {
    return describeLora(pipelines::LoraFile(path));
}

CompanionInfo readIpAdapter(const fs::path& path) {
    CompanionInfo info;
    info.kind = "IP-Adapter";
    info.family = pipelines::familyOfTextWidth(pipelines::IpAdapterFile(path).tokenWidth());
    return info;
}

CompanionInfo readControl(const fs::path& path) {
    const pipelines::ControlFile file(path);
    CompanionInfo info;
    info.kind = pipelines::controlKindName(file.kind());
    info.family = file.family();
    return info;
}

CompanionInfo readEmbedding(const fs::path& path) {
    CompanionInfo info;
    info.kind = "embedding";
    info.family = pipelines::TextualInversion(path).family();
    info.triggerWords = {repairedUtf8(companionName(path))};
    return info;
}

CompanionInfo readUpscaler(const fs::path& path) {
    const pipelines::UpscalerConfig config = pipelines::UpscalerFile(path).config();
    CompanionInfo info;
    info.kind = "upscaler";
    info.family = std::to_string(config.scale) + "x, " + upscalerKindName(*config.kind);
    return info;
}

CompanionInfo readVae(const fs::path& path) {
    const pipelines::ExternalVae vae(path);
    if (vae.isWholeModel()) throw Error(ErrorCode::Unsupported, "a whole model");
    CompanionInfo info;
    info.kind = vae.isTiny() ? "TAESD" : "VAE";
    return info;
}

struct Reader {
    CompanionKind kind;
    CompanionInfo (*read)(const fs::path& path); // throws Error: it is something else
};

std::optional<CompanionInfo> describe(const fs::path& path) {
    std::array readers{Reader{CompanionKind::Lora, readLora},
                       Reader{CompanionKind::IpAdapter, readIpAdapter},
                       Reader{CompanionKind::ControlNet, readControl},
                       Reader{CompanionKind::Embedding, readEmbedding},
                       Reader{CompanionKind::Upscaler, readUpscaler},
                       Reader{CompanionKind::Vae, readVae}};
    // Each opens the file: the kind that its folder tells of comes first, and mostly last.
    const CompanionFile file{path};
    std::ranges::stable_partition(
        readers, [&](const Reader& reader) { return file.inFolderOf(reader.kind); });
    for (const Reader& reader : readers) {
        try {
            return reader.read(path);
        } catch (const Error&) {
            // Then it is something else.
        }
    }
    return std::nullopt;
}

} // namespace

std::optional<CompanionInfo> readCompanionInfo(const std::filesystem::path& path) {
    std::optional<CompanionInfo> info = describe(path);
    if (!info) return std::nullopt;
    std::error_code error;
    info->name = repairedUtf8(companionName(path));
    info->path = path;
    info->sizeBytes = std::filesystem::file_size(path, error);
    if (error) info->sizeBytes = 0;
    return info;
}

} // namespace kinora::core
