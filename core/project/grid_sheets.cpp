#include "core/project/grid_sheets.h"

#include "core/media/file_name_part.h"

#include <array>
#include <cstdio>

namespace kinora::core {
namespace {

std::string sheetName(const std::string& batch, int64_t firstTask) {
    constexpr size_t kLongest = 80;
    std::array<char, 32> digits{};
    std::snprintf(digits.data(), digits.size(), "%05lld", static_cast<long long>(firstTask));
    return "sheet-" + fileNamePart(batch, kLongest) + "-" + digits.data() + ".png";
}

std::vector<std::string> captionOf(const std::vector<GridAxis>& axes, size_t cell) {
    std::vector<std::string> lines;
    for (const GridAxis& axis : axes) {
        lines.push_back(axis.parameter + " " + axis.values[cell % axis.values.size()]);
        cell /= axis.values.size();
    }
    return lines;
}

} // namespace

std::vector<GridSheet> gridSheets(const ProjectDocument& project) {
    std::vector<GridSheet> sheets;
    for (const ProjectBatch& batch : project.batches()) {
        if (batch.grid.empty() || batch.tasks != batch.rows) continue;
        size_t cells = 1;
        for (const GridAxis& axis : batch.grid) cells *= axis.values.size();
        const size_t across = batch.grid[0].values.size();
        const size_t down = batch.grid.size() > 1 ? batch.grid[1].values.size() : 1;
        if (static_cast<size_t>(batch.tasks) % cells != 0) continue;
        for (size_t first = 0; first < static_cast<size_t>(batch.tasks); first += across * down) {
            GridSheet sheet;
            sheet.columns = static_cast<int>(across);
            sheet.name = sheetName(batch.name, batch.firstTask + static_cast<int64_t>(first));
            for (size_t place = first; place < first + across * down; ++place) {
                sheet.tasks.push_back(batch.firstTask + static_cast<int64_t>(place));
                sheet.captions.push_back(captionOf(batch.grid, place % cells));
            }
            sheets.push_back(std::move(sheet));
        }
    }
    return sheets;
}

} // namespace kinora::core
