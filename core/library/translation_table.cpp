#include "core/library/translation_table.h"

#include "kernels/base/utf8.h"
#include "pipelines/weights/regular_file.h"

#include <QSet>

#include <algorithm>
#include <charconv>
#include <vector>

namespace kinora::core {
namespace {

constexpr uint64_t kLargestFile = 16 * 1024 * 1024;
constexpr size_t kLongestText = 200; // bytes

struct Line {
    std::string_view text;
    std::string_view number;
    size_t next = 0; // where the next line begins
};

Line lineFrom(std::string_view bytes, size_t start) {
    const size_t end = std::min(bytes.find('\n', start), bytes.size());
    const std::string_view line = bytes.substr(start, end - start);
    const size_t tab = std::min(line.find('\t'), line.size());
    return {line.substr(0, tab), line.substr(std::min(tab + 1, line.size())), end + 1};
}

// -1 where it is no number of a subject.
int numberOf(std::string_view text, qsizetype subjects) {
    int number = -1;
    const char* end = text.data() + text.size();
    const auto read = std::from_chars(text.data(), end, number);
    return read.ec == std::errc() && read.ptr == end && number < subjects ? number : -1;
}

QString toText(std::string_view bytes) {
    return QString::fromUtf8(bytes.data(), static_cast<qsizetype>(bytes.size()));
}

} // namespace

QString comparable(const QString& text) {
    return text.normalized(QString::NormalizationForm_C).toCaseFolded().simplified();
}

bool isUnspaced(QChar character) {
    switch (character.script()) {
    case QChar::Script_Han:
    case QChar::Script_Hiragana:
    case QChar::Script_Katakana:
    case QChar::Script_Thai:
    case QChar::Script_Lao:
    case QChar::Script_Khmer:
    case QChar::Script_Myanmar: return true;
    default: return false;
    }
}

TranslationTable TranslationTable::read(const std::filesystem::path& path, qsizetype subjects) {
    const std::string label = path.filename().string();
    TranslationTable table;
    table.m_text = QByteArray::fromStdString(pipelines::readTextFile(path, label, kLargestFile));
    const auto refuse = [&](const std::string& what) {
        throw Error(ErrorCode::BadFile, label + ": " + what,
                    "Remove the file, or get it again from where the model came from.");
    };
    const std::string_view bytes = table.bytes();
    if (!isValidUtf8(bytes)) refuse("is not UTF-8 text.");
    std::string_view before;
    size_t number = 0;
    for (size_t start = 0; start < bytes.size();) {
        const Line line = lineFrom(bytes, start);
        const std::string name = "line " + std::to_string(++number);
        if (line.text.empty() || line.text.size() > kLongestText)
            refuse(name + " must begin with a text of 1 to 200 bytes.");
        if (numberOf(line.number, subjects) < 0)
            refuse(name + " must end with a tab and the number of a subject.");
        if (line.text <= before) refuse(name + " must come after the one before it.");
        // The first byte tells plain letters, which are the most, from those that are looked at.
        if (static_cast<unsigned char>(line.text[0]) >= 0xE0) {
            const QString text = toText(line.text);
            if (std::all_of(text.cbegin(), text.cend(), isUnspaced))
                table.m_longestUnspaced = std::max(table.m_longestUnspaced, text.size());
        }
        before = line.text;
        start = line.next;
    }
    return table;
}

size_t TranslationTable::lineAt(size_t offset) const {
    if (offset == 0) return 0;
    const size_t end = bytes().rfind('\n', offset - 1);
    return end == std::string_view::npos ? 0 : end + 1;
}

// The first line whose text is not before this one.
size_t TranslationTable::lowerBound(std::string_view text) const {
    size_t low = 0, high = bytes().size();
    while (low < high) {
        const size_t start = lineAt(low + (high - low) / 2);
        const Line line = lineFrom(bytes(), start);
        if (line.text < text)
            low = line.next;
        else
            high = start;
    }
    return std::min(low, bytes().size());
}

int TranslationTable::find(const QString& text) const {
    const std::string wanted = text.toStdString();
    const size_t start = lowerBound(wanted);
    if (start >= bytes().size()) return -1;
    const Line line = lineFrom(bytes(), start);
    return line.text == wanted ? numberOf(line.number, INT_MAX) : -1;
}

QList<TranslationTable::Entry> TranslationTable::beginningWith(const QString& beginning,
                                                               qsizetype most) const {
    const std::string wanted = beginning.toStdString();
    std::vector<Line> lines;
    for (size_t start = lowerBound(wanted); start < bytes().size(); start = lines.back().next) {
        const Line line = lineFrom(bytes(), start);
        if (line.text.substr(0, wanted.size()) != wanted) break;
        lines.push_back(line);
    }
    std::stable_sort(lines.begin(), lines.end(),
                     [](const Line& a, const Line& b) { return a.text.size() < b.text.size(); });
    QList<Entry> entries;
    QSet<int> seen;
    for (const Line& line : lines) {
        if (entries.size() >= most) break;
        const int subject = numberOf(line.number, INT_MAX);
        if (seen.contains(subject)) continue;
        seen.insert(subject);
        entries << Entry{toText(line.text), subject};
    }
    return entries;
}

} // namespace kinora::core
