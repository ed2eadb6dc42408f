#pragma once
// The contact sheets of a project's grids: one for each row of the table and each value of the
// third axis, made when all of its pictures are there.

#include "core/project/project_document.h"

#include <cstdint>
#include <string>
#include <vector>

namespace kinora::core {

struct GridSheet {
    std::string name;                               // "sheet-foxes-00012.png", by its first task
    std::vector<int64_t> tasks;                     // from the left and the top
    std::vector<std::vector<std::string>> captions; // of each: "cfg 3", "steps 10"
    int columns = 1;
};

// Batches whose rows are not those of their grid any more (somebody changed them) have none.
std::vector<GridSheet> gridSheets(const ProjectDocument& project);

} // namespace kinora::core
