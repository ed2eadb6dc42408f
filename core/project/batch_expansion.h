#pragma once
// A table made into a batch of a project: choices, seeds and grids are settled here, once, and the
// project holds what came of it.
//
//     BatchOptions options{.name = "foxes", .seed = 7};
//     Result<ExpandedBatch> batch = expandBatch(*readBatchTable("foxes.csv"), options);
//     project.addBatch(batch->json);

#include "core/project/asset_store.h"
#include "core/project/batch_table.h"
#include "core/project/project_document.h"
#include "kernels/base/result.h"
#include "pipelines/request/image_request.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kinora::core {

enum class PromptChoices {
    Draw, // each picture draws one
    All,  // each row becomes all of its combinations
};

struct BatchOptions {
    std::string name;
    std::vector<std::pair<std::string, std::string>> settings; // of all rows: parameter, text
    std::vector<GridAxis> grid;                                // up to three
    PromptChoices choices = PromptChoices::Draw;
    std::filesystem::path wildcards; // folder of name.txt; empty: none
    std::filesystem::path files;     // what files named in cells are relative to
    // Choices are drawn by it; rows without a seed get it, plus one for each picture before them.
    // 0 to 2^62.
    int64_t seed = 0;
    int64_t count = 1; // pictures of each row that does not say it
    // What the project asks for already: its prompt and count hold where a row says none.
    pipelines::ImageRequest projectSettings;
};

// expandBatch is a pure function of the table, the options and the wildcard files. Cells of
// parameters that are files become assets. Errors: InvalidArgument that names the line, NotFound,
// BadFile.
Result<nlohmann::ordered_json> expandBatch(const BatchTable& table, const BatchOptions& options,
                                           const AssetStore& assets);

// "cfg=3,5,7" as an axis. Error{InvalidArgument}.
Result<GridAxis> parseGridAxis(const std::string& text);

} // namespace kinora::core
