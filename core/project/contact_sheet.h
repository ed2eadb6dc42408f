#pragma once
// Pictures side by side, each with what it was made with below it.

#include "core/media/image.h"

#include <string>
#include <vector>

namespace kinora::core {

struct SheetCell {
    Image image;
    std::vector<std::string> lines; // its caption, UTF-8; a line that is too long is cut
};

// Rows of `columns` cells, from the left and the top, on white: RGB. Cells take the size of the
// largest; where the sheet would get wider or higher than 16384 pixels, all are made smaller by a
// whole number. cells: one or more.
Image contactSheet(const std::vector<SheetCell>& cells, int columns);

} // namespace kinora::core
