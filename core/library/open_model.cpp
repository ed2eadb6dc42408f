#include "core/library/open_model.h"

#include "core/library/model_library.h"
#include "kernels/base/error.h"

#include <system_error>

namespace kinora::core {

namespace {

std::filesystem::path kindsFolder() { // empty: the program's resources are not there
    const std::filesystem::path models = builtInModelsFolder();
    return models.empty() ? models : models.parent_path() / "checkpoints";
}

} // namespace

pipelines::Model openModel(const std::filesystem::path& path) {
    return pipelines::Model::open(path, kindsFolder());
}

std::filesystem::path checkpointKindFolder(const std::string& kind) {
    const std::filesystem::path kinds = kindsFolder();
    std::error_code ignored;
    if (kinds.empty() || !std::filesystem::is_directory(kinds / kind, ignored))
        throw Error(ErrorCode::NotFound, "The sizes of '" + kind + "' models are not there.",
                    "They come with the program (resources/checkpoints); install it again.");
    return kinds / kind;
}

} // namespace kinora::core
