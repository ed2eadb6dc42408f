#include "app/cli/text_table.h"

#include <QString>

#include <algorithm>
#include <array>

namespace kinora::app {
namespace {

// The blocks that terminals draw two columns wide. Source: Unicode's East Asian Width (W and F),
// joined to blocks.
bool isWide(char32_t c) {
    constexpr std::array<std::pair<char32_t, char32_t>, 8> kBlocks{{{0x1100, 0x115F},
                                                                    {0x2E80, 0x303E},
                                                                    {0x3041, 0xA4CF},
                                                                    {0xAC00, 0xD7A3},
                                                                    {0xF900, 0xFAFF},
                                                                    {0xFE30, 0xFE6F},
                                                                    {0xFF00, 0xFF60},
                                                                    {0x1F300, 0x3FFFD}}};
    return std::any_of(kBlocks.begin(), kBlocks.end(),
                       [c](const auto& block) { return c >= block.first && c <= block.second; });
}

} // namespace

size_t displayWidth(const std::string& text) {
    size_t width = 0;
    for (const char32_t c : QString::fromStdString(text).toStdU32String()) {
        const QChar::Category category = QChar::category(c);
        if (category == QChar::Mark_NonSpacing || category == QChar::Mark_Enclosing ||
            category == QChar::Other_Format)
            continue;
        width += isWide(c) ? 2 : 1;
    }
    return width;
}

TextTable::TextTable(std::vector<std::string> header) {
    if (!header.empty()) m_rows.push_back(std::move(header));
}

void TextTable::addRow(std::vector<std::string> cells) {
    m_rows.push_back(std::move(cells));
}

std::string TextTable::text() const {
    std::vector<size_t> widths;
    for (const auto& row : m_rows)
        for (size_t column = 0; column < row.size(); ++column) {
            if (column >= widths.size()) widths.push_back(0);
            widths[column] = std::max(widths[column], displayWidth(row[column]));
        }
    std::string result;
    for (const auto& row : m_rows) {
        std::string line;
        for (size_t column = 0; column < row.size(); ++column) {
            line += row[column];
            if (column + 1 < row.size())
                line.append(widths[column] - displayWidth(row[column]) + 2, ' ');
        }
        line.erase(line.find_last_not_of(' ') + 1);
        result += line + "\n";
    }
    return result;
}

} // namespace kinora::app
