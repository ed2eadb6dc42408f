#pragma once
// Texts in any language, each with the number of what it means: vocabulary.tsv beside a model's
// vocabulary.json. A line is `text<tab>number`, the texts as comparable() gives them, sorted by
// their bytes, none twice. The file is searched as it is: putting its hundred thousand texts into a
// table of Qt's would take a third of a second at each start. A value; any thread may read it.

#include "kernels/base/result.h"

#include <QByteArray>
#include <QList>
#include <QString>

#include <filesystem>
#include <string_view>

namespace kinora::core {

// As texts are compared: composed (NFC), without case, single spaces.
QString comparable(const QString& text);
// Of a writing without spaces between words: Han, kana, Thai and their neighbours.
bool isUnspaced(QChar character);

class TranslationTable {
  public:
    TranslationTable() = default;
    // subjects: numbers are below it. Throws Error{BadFile naming the line, Io}.
    static TranslationTable read(const std::filesystem::path& path, qsizetype subjects);

    struct Entry {
        QString text;
        int subject = 0;
    };
    // The number of the subject that this text means, written comparably; -1 where there is none.
    int find(const QString& text) const;
    // At most `most` with different subjects that begin so, the shortest first: the nearest to what
    // was typed.
    QList<Entry> beginningWith(const QString& beginning, qsizetype most) const;
    // UTF-16 units of the longest text without spaces between its words.
    qsizetype longestUnspaced() const { return m_longestUnspaced; }

  private:
    std::string_view bytes() const { return {m_text.data(), static_cast<size_t>(m_text.size())}; }
    size_t lineAt(size_t offset) const;
    size_t lowerBound(std::string_view text) const;

    QByteArray m_text; // shared by copies of the table
    qsizetype m_longestUnspaced = 0;
};

} // namespace kinora::core
