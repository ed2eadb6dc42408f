#pragma once
// Pictures side by side, each with what it was made with below it.

#include "core/media/image.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace kinora::core {

struct SheetCell {
    Image image;
    std::vector<std::string> lines; // its caption, UTF-8; a line that is too long is cut
};

// Rows of `columns` cells, from the left and the top, on white: RGB. Cells take the size of the
// largest; where the sheet would get wider or higher than 16384 pixels, all are made smaller by a
// whole number.
//
// Pictures are drawn one by one, so that no more than one need be in memory.
class ContactSheet {
  public:
    // captions: one of each cell, one or more. width, height: of the largest picture.
    ContactSheet(std::vector<std::vector<std::string>> captions, int columns, int width,
                 int height);
    void draw(size_t cell, const Image& image);
    Image take() { return std::move(m_image); }

  private:
    struct Layout {
        int columns = 1, rows = 1;
        int shrink = 1;                     // pictures are made smaller by it
        int cellWidth = 0, imageHeight = 0; // of the space for a picture
        int dot = 1;                        // pixels of a dot of the letters
        int captionHeight = 0;

        int width() const;
        int height() const;
    };
    static Layout layOut(const std::vector<std::vector<std::string>>& captions, int columns,
                         int width, int height);

    std::vector<std::vector<std::string>> m_captions;
    Layout m_layout;
    Image m_image;
};

// The same of pictures that are in memory.
Image contactSheet(const std::vector<SheetCell>& cells, int columns);

} // namespace kinora::core
