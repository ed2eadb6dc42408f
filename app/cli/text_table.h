#pragma once
// Columns that line up, for people. Widths count characters as a terminal shows them, wide ones
// (Chinese, emoji) as two.

#include <string>
#include <vector>

namespace kinora::app {

class TextTable {
  public:
    explicit TextTable(std::vector<std::string> header); // empty: no header

    void addRow(std::vector<std::string> cells);
    // Each line ends with a newline; no line ends with spaces.
    std::string text() const;

  private:
    std::vector<std::vector<std::string>> m_rows;
};

// Columns that a terminal needs for this text.
size_t displayWidth(const std::string& text);

} // namespace kinora::app
