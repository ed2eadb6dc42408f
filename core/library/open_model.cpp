#include "core/library/open_model.h"

#include "core/library/model_library.h"

namespace kinora::core {

pipelines::Model openModel(const std::filesystem::path& path) {
    const std::filesystem::path models = builtInModelsFolder();
    const auto kinds = models.empty() ? models : models.parent_path() / "checkpoints";
    return pipelines::Model::open(path, kinds);
}

} // namespace kinora::core
