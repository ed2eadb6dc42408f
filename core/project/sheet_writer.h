#pragma once
// Puts a grid's contact sheet beside its pictures, where it is missing or shows older ones.

#include "core/project/grid_sheets.h"
#include "core/project/project_history.h"
#include "kernels/base/result.h"

#include <filesystem>
#include <vector>

namespace kinora::core {

enum class SheetOutcome { Made, Present };

// pictures: the files of the sheet's tasks. A file of its name that is not the sheet written last
// is replaced only with overwrite. Errors: as loadImage and saveImage; InvalidArgument (another
// file is there).
Result<SheetOutcome> writeSheet(const GridSheet& sheet,
                                const std::vector<std::filesystem::path>& pictures,
                                const std::filesystem::path& path, bool overwrite,
                                ProjectHistory& history);

} // namespace kinora::core
