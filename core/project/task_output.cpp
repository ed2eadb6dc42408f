#include "core/project/task_output.h"

#include "core/library/companion_files.h"
#include "core/library/file_hash.h"
#include "core/media/file_name_part.h"
#include "core/media/image_file.h"
#include "core/media/metadata.h"
#include "core/media/sha256.h"
#include "pipelines/request/parameters.h"

#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <optional>
#include <span>

namespace kinora::core {
namespace {

namespace fs = std::filesystem;
using pipelines::ParameterRole;

constexpr size_t kLongestPrompt = 80;

bool losesNothing(const std::string& format) {
    return format == "png";
}

} // namespace

std::string taskFileName(int64_t number, const pipelines::ImageRequest& request,
                         const std::string& format) {
    std::array<char, 32> digits{};
    std::snprintf(digits.data(), digits.size(), "%05lld", static_cast<long long>(number));
    return std::string(digits.data()) + "-" + fileNamePart(request.prompt, kLongestPrompt) + "-" +
           std::to_string(request.seed.value_or(0)) + "." + format;
}

std::string requestKey(const pipelines::ImageRequest& request, const std::string& modelHash,
                       const std::vector<UsedFile>& files) {
    pipelines::ImageRequest deciding = request;
    deciding.previewEvery = 0;
    deciding.preview = pipelines::ImageRequest{}.preview;
    deciding.saveLatentsPath.clear();
    std::string text =
        pipelines::toJson(deciding).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
        "\n" + modelHash;
    for (const UsedFile& file : files) text += "\n" + file.hash;
    Sha256 hash;
    hash.add(std::as_bytes(std::span(text)));
    return sha256Name(hash.digits());
}

bool answers(const Provenance& made, const TaskOutput& output) {
    // As metadata call the files.
    pipelines::ImageRequest asking = output.request;
    const std::vector<CompanionPlace> places = companionPlaces(asking);
    if (places.size() != output.files.size() || made.files != output.files) return false;
    for (size_t i = 0; i < places.size(); ++i) places[i].rename(output.files[i].name);
    for (const pipelines::Parameter& parameter : pipelines::imageParameters()) {
        if (parameter.role != ParameterRole::Result || parameter.name == "model") continue;
        const std::optional<std::string> asked = pipelines::toText(asking, parameter);
        const bool leftOpen = asked == "auto" && !parameter.choices.empty();
        if (asked && !leftOpen && asked != pipelines::toText(made.request, parameter)) return false;
    }
    const std::string& precision = output.request.precision;
    return made.modelHash == output.modelHash && made.latentsHash == output.latentsHash &&
           made.initHash == output.initHash && made.maskHash == output.maskHash &&
           made.controlHashes == output.controlHashes &&
           made.adapterHashes == output.adapterHashes &&
           (output.latentsHash.empty() || made.latentsIndex == output.request.latentsIndex) &&
           (precision == "auto" || precision == made.precision);
}

OutputState checkOutput(const TaskOutput& output, const fs::path& path,
                        const ProjectHistory& history) {
    std::error_code ignored;
    if (!fs::exists(fs::symlink_status(path, ignored))) return OutputState::Missing;
    if (const auto known = history.result(output.name, output.key)) {
        FileHashes hashes{fs::path()};
        const Result<std::string> digits = hashes.hash(path);
        if (digits && sha256Name(*digits) == known->fileHash) return OutputState::Valid;
    }
    const Result<PictureInfo> info = readPictureInfo(path);
    if (!info || !info->provenance || !answers(*info->provenance, output))
        return OutputState::Other;
    const Result<Image> image = loadImage(path);
    if (!image) return OutputState::Other;
    const bool same =
        !losesNothing(info->format) || pixelHash(*image) == info->provenance->outputHash;
    return same ? OutputState::Valid : OutputState::Other;
}

} // namespace kinora::core
