#include "pipelines/vision/clip_vision_file.h"

#include "pipelines/weights/json_text.h"
#include "pipelines/weights/weight_file.h"

#include <nlohmann/json.hpp>

#include <system_error>

namespace kinora::pipelines {
namespace {

// A folder of many such files has no config that is of one of them.
bool isOfItsFolder(const std::filesystem::path& path) {
    const std::string stem = path.stem().string();
    std::error_code ignored;
    return (stem.starts_with("model") || stem.starts_with("pytorch_model")) &&
           std::filesystem::is_regular_file(path.parent_path() / "config.json", ignored);
}

} // namespace

ClipVisionFile::ClipVisionFile(const std::filesystem::path& path)
    : m_weights(openWeightFile(path, path.filename().string())) {
    const std::filesystem::path config = path.parent_path() / "config.json";
    const std::string label = (path.parent_path().filename() / "config.json").generic_string();
    m_config = isOfItsFolder(path) ? ClipVisionConfig::fromJson(readJsonFile(config, label), label)
                                   : ClipVisionConfig::fromWeights(*m_weights);
}

bool ClipVisionFile::fits(const IpAdapterFile& adapter) const {
    return adapter.pictureWidth() ==
           (adapter.kind() == IpAdapterKind::Pooled ? m_config.projection : m_config.width);
}

} // namespace kinora::pipelines
