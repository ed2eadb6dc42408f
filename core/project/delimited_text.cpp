#include "core/project/delimited_text.h"

#include <array>

namespace kinora::core {
namespace {

constexpr size_t kMostRecords = 1'000'000;
constexpr size_t kMostFields = 1000;

bool isLineEnd(char c) {
    return c == '\n' || c == '\r';
}

// The one that the first record has most of, outside quotes.
char likelySeparator(std::string_view text) {
    constexpr std::array<char, 4> kSeparators = {',', ';', '\t', '|'};
    std::array<size_t, kSeparators.size()> counts{};
    bool quoted = false;
    for (const char c : text) {
        if (c == '"') quoted = !quoted;
        if (quoted) continue;
        if (isLineEnd(c)) break;
        for (size_t i = 0; i < kSeparators.size(); ++i) counts[i] += c == kSeparators[i] ? 1 : 0;
    }
    size_t best = 0;
    for (size_t i = 1; i < counts.size(); ++i)
        if (counts[i] > counts[best]) best = i;
    return kSeparators[best];
}

class Reader {
  public:
    Reader(std::string_view text, char separator, int64_t line)
        : m_text(text), m_separator(separator), m_line(line) {}

    bool atEnd() const { return m_at >= m_text.size(); }

    DelimitedRecord record() {
        DelimitedRecord record{m_line, {}};
        while (true) {
            if (record.fields.size() >= kMostFields) fail("has more than 1000 fields");
            record.fields.push_back(field());
            if (atEnd()) return record;
            if (m_text[m_at] != m_separator) break;
            ++m_at;
        }
        skipLineEnd();
        return record;
    }

  private:
    std::string field() {
        if (!atEnd() && m_text[m_at] == '"') return quotedField();
        const size_t start = m_at;
        while (!atEnd() && m_text[m_at] != m_separator && !isLineEnd(m_text[m_at])) ++m_at;
        return std::string(m_text.substr(start, m_at - start));
    }

    std::string quotedField() {
        std::string value;
        const int64_t start = m_line;
        for (++m_at; !atEnd(); ++m_at) {
            const char c = m_text[m_at];
            if (c == '"') {
                if (m_text.substr(m_at + 1, 1) != "\"") break;
                ++m_at; // a doubled quote is one
            }
            if (c == '\n' || (c == '\r' && m_text.substr(m_at + 1, 1) != "\n")) ++m_line;
            value += c;
        }
        if (atEnd()) {
            m_line = start;
            fail("has a quote that does not end");
        }
        ++m_at;
        while (!atEnd() && m_text[m_at] == ' ' && m_separator != ' ') ++m_at;
        if (!atEnd() && m_text[m_at] != m_separator && !isLineEnd(m_text[m_at]))
            fail("has characters after a quoted field");
        return value;
    }

    void skipLineEnd() {
        if (m_text[m_at] == '\r' && m_text.substr(m_at + 1, 1) == "\n") ++m_at;
        ++m_at;
        ++m_line;
    }

    [[noreturn]] void fail(const char* what) const {
        throw Error(ErrorCode::BadFile, "line " + std::to_string(m_line) + " " + what + ".",
                    "A field with quotes, separators or line ends stands in quotes; quotes within "
                    "it are doubled.");
    }

    std::string_view m_text;
    char m_separator;
    int64_t m_line;
    size_t m_at = 0;
};

} // namespace

Result<DelimitedText> parseDelimited(std::string_view text) {
    DelimitedText result;
    int64_t line = 1;
    const bool says = (text.starts_with("sep=") || text.starts_with("SEP=")) && text.size() > 5 &&
                      isLineEnd(text[5]);
    if (says) {
        result.separator = text[4];
        text.remove_prefix(text.substr(5, 2) == "\r\n" ? 7 : 6);
        line = 2;
    } else {
        result.separator = likelySeparator(text);
    }
    try {
        Reader reader(text, result.separator, line);
        while (!reader.atEnd()) {
            DelimitedRecord record = reader.record();
            if (record.fields.size() == 1 && record.fields[0].empty()) continue;
            if (result.records.size() >= kMostRecords)
                return Error(ErrorCode::BadFile, "there are more than a million lines.",
                             "Split the table.");
            result.records.push_back(std::move(record));
        }
        return result;
    } catch (const Error& error) {
        return error;
    }
}

Result<std::vector<std::string>> parseFields(std::string_view text, char separator) {
    try {
        Reader reader(text, separator, 1);
        DelimitedRecord record = reader.record();
        if (!reader.atEnd())
            return Error(ErrorCode::BadFile, "there is a line end in the list.", "Use one line.");
        return std::move(record.fields);
    } catch (const Error& error) {
        return error;
    }
}

} // namespace kinora::core
