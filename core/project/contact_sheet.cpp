#include "core/project/contact_sheet.h"

#include "core/project/sheet_font.h"

#include <QString>

#include <algorithm>
#include <utility>

namespace kinora::core {
namespace {

constexpr int kLargestSide = 16384;
constexpr int kMargin = 8;
constexpr float kInk = 0.1F;
constexpr int kColumnsOfDots = kGlyphWidth + 1; // with the space between
constexpr int kRowsOfDots = kGlyphHeight + 3;

// The mean of a square of pixels, over white.
float shrunk(const Image& image, int x, int y, int channel, int shrink) {
    float sum = 0;
    int count = 0;
    for (int row = y * shrink; row < std::min((y + 1) * shrink, image.height); ++row)
        for (int column = x * shrink; column < std::min((x + 1) * shrink, image.width); ++column) {
            const size_t at = (static_cast<size_t>(row) * static_cast<size_t>(image.width) +
                               static_cast<size_t>(column)) *
                              static_cast<size_t>(image.channels);
            const float alpha = image.channels == 4 ? image.pixels[at + 3] : 1.0F;
            const float value = image.pixels[at + static_cast<size_t>(channel)];
            sum += value * alpha + (1.0F - alpha);
            ++count;
        }
    return count > 0 ? sum / static_cast<float>(count) : 1.0F;
}

class Canvas {
  public:
    explicit Canvas(Image& image) : m_image(image) {}

    void drawImage(const Image& image, int left, int top, int shrink) {
        for (int y = 0; y < image.height / shrink; ++y)
            for (int x = 0; x < image.width / shrink; ++x)
                for (int channel = 0; channel < 3; ++channel)
                    set(left + x, top + y, channel, shrunk(image, x, y, channel, shrink));
    }

    void drawText(const std::string& text, int left, int top, int dot, int width) {
        int x = left;
        for (const char32_t character : QString::fromStdString(text).toStdU32String()) {
            if (x + kGlyphWidth * dot > left + width) return;
            drawGlyph(character, x, top, dot);
            x += kColumnsOfDots * dot;
        }
    }

  private:
    void drawGlyph(char32_t character, int left, int top, int dot) {
        const auto& rows = glyphOf(character);
        for (int y = 0; y < kGlyphHeight * dot; ++y)
            for (int x = 0; x < kGlyphWidth * dot; ++x) {
                const int bit = kGlyphWidth - 1 - x / dot;
                if ((rows[static_cast<size_t>(y / dot)] >> bit & 1) == 0) continue;
                for (int channel = 0; channel < 3; ++channel) set(left + x, top + y, channel, kInk);
            }
    }

    void set(int x, int y, int channel, float value) {
        if (x < 0 || y < 0 || x >= m_image.width || y >= m_image.height) return;
        m_image.pixels[(static_cast<size_t>(y) * static_cast<size_t>(m_image.width) +
                        static_cast<size_t>(x)) *
                           3 +
                       static_cast<size_t>(channel)] = value;
    }

    Image& m_image;
};

} // namespace

int ContactSheet::Layout::width() const {
    return columns * (cellWidth + kMargin) + kMargin;
}
int ContactSheet::Layout::height() const {
    return rows * (imageHeight + captionHeight + kMargin) + kMargin;
}

ContactSheet::Layout ContactSheet::layOut(const std::vector<std::vector<std::string>>& captions,
                                          int columns, int width, int height) {
    size_t lines = 0;
    for (const auto& caption : captions) lines = std::max(lines, caption.size());
    const int cells = static_cast<int>(captions.size());
    Layout layout;
    layout.columns = std::max(1, std::min(columns, cells));
    layout.rows = (cells + layout.columns - 1) / layout.columns;
    for (layout.shrink = 1;; ++layout.shrink) {
        layout.cellWidth = std::max(1, width / layout.shrink);
        layout.imageHeight = std::max(1, height / layout.shrink);
        layout.dot = std::clamp(layout.cellWidth / 160, 1, 4);
        layout.captionHeight = static_cast<int>(lines) * kRowsOfDots * layout.dot;
        const bool fits = layout.width() <= kLargestSide && layout.height() <= kLargestSide;
        if (fits || layout.shrink >= std::max(width, height)) return layout;
    }
}

ContactSheet::ContactSheet(std::vector<std::vector<std::string>> captions, int columns, int width,
                           int height)
    : m_captions(std::move(captions)),
      m_layout(layOut(m_captions, columns, std::max(1, width), std::max(1, height))) {
    m_image.width = m_layout.width();
    m_image.height = m_layout.height();
    m_image.pixels.assign(
        static_cast<size_t>(m_image.width) * static_cast<size_t>(m_image.height) * 3, 1.0F);
}

void ContactSheet::draw(size_t cell, const Image& image) {
    const int column = static_cast<int>(cell) % m_layout.columns;
    const int row = static_cast<int>(cell) / m_layout.columns;
    const int left = kMargin + column * (m_layout.cellWidth + kMargin);
    const int top = kMargin + row * (m_layout.imageHeight + m_layout.captionHeight + kMargin);
    Canvas canvas(m_image);
    canvas.drawImage(image, left, top, m_layout.shrink);
    int line = top + m_layout.imageHeight + 2 * m_layout.dot;
    for (const std::string& text : m_captions[cell]) {
        canvas.drawText(text, left, line, m_layout.dot, m_layout.cellWidth);
        line += kRowsOfDots * m_layout.dot;
    }
}

Image contactSheet(const std::vector<SheetCell>& cells, int columns) {
    std::vector<std::vector<std::string>> captions;
    int width = 1, height = 1;
    for (const SheetCell& cell : cells) {
        captions.push_back(cell.lines);
        width = std::max(width, cell.image.width);
        height = std::max(height, cell.image.height);
    }
    ContactSheet sheet(std::move(captions), columns, width, height);
    for (size_t i = 0; i < cells.size(); ++i) sheet.draw(i, cells[i].image);
    return sheet.take();
}

} // namespace kinora::core
