#include "core/media/file_name_part.h"

#include <QString>
#include <QTextBoundaryFinder>

#include <string_view>

namespace kinora::core {

std::string fileNamePart(const std::string& text, size_t maximumBytes) {
    QString clean;
    for (const char32_t c : QString::fromStdString(text).toStdU32String()) {
        const QChar::Category category = QChar::category(c);
        const bool invisible = category == QChar::Other_Format && c != 0x200D; // joins emoji
        if (invisible || category == QChar::Other_Surrogate || category == QChar::Other_NotAssigned)
            continue;
        const bool separator =
            c < 0x80 &&
            std::string_view("/\\:*?\"<>|{}").find(static_cast<char>(c)) != std::string_view::npos;
        const bool space = QChar::isSpace(c) || category == QChar::Other_Control || separator;
        if (!space)
            clean += QString::fromUcs4(&c, 1);
        else if (!clean.isEmpty() && !clean.endsWith(u'_'))
            clean += u'_';
    }
    // A leading dot hides a file, a leading dash looks like an option.
    while (clean.startsWith(u'.') || clean.startsWith(u'-') || clean.startsWith(u'_'))
        clean.remove(0, 1);
    QTextBoundaryFinder characters(QTextBoundaryFinder::Grapheme, clean);
    qsizetype kept = 0;
    while (characters.toNextBoundary() > 0) {
        const qsizetype end = characters.position();
        if (static_cast<size_t>(clean.left(end).toUtf8().size()) > maximumBytes) break;
        kept = end;
    }
    clean.truncate(kept);
    while (clean.endsWith(u'.') || clean.endsWith(u'_')) clean.chop(1);
    return clean.isEmpty() ? "untitled" : clean.toStdString();
}

} // namespace kinora::core
