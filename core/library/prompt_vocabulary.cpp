#include "core/library/prompt_vocabulary.h"

#include "pipelines/weights/json_text.h"

#include <QRegularExpression>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace kinora::core {
namespace {

using nlohmann::json;

constexpr char kFileName[] = "vocabulary.json";
constexpr char kTranslationsName[] = "vocabulary.tsv";
constexpr size_t kMostTexts = 200'000;  // of one list
constexpr size_t kLongestText = 200;    // bytes of one entry
constexpr qsizetype kShortestWord = 4;  // that is taken for a whole one while it is typed
constexpr qsizetype kMostNamed = 4;     // unknown words in a hint
constexpr qsizetype kLongestPhrase = 6; // words of a phrase that is looked up as one

[[noreturn]] void bad(const std::string& field, const std::string& expected) {
    throw Error(ErrorCode::BadFile,
                std::string(kFileName) + ": \"" + field + "\" must be " + expected + ".",
                "Remove the file, or get it again from where the model came from.");
}

QString textOf(const json& value, const std::string& field) {
    const auto* text = value.get_ptr<const std::string*>();
    if (!text || text->empty() || text->size() > kLongestText)
        bad(field, "texts of 1 to " + std::to_string(kLongestText) + " bytes");
    return QString::fromStdString(*text);
}

const json& listIn(const json& file, const char* field) {
    const auto found = file.find(field);
    if (found == file.end() || !found->is_array() || found->size() > kMostTexts)
        bad(field, "a list of at most " + std::to_string(kMostTexts));
    return *found;
}

QStringList textsIn(const json& file, const char* field) {
    QStringList texts;
    for (const json& value : listIn(file, field)) texts << textOf(value, field);
    return texts;
}

const QRegularExpression& wordPattern() {
    static const QRegularExpression pattern(R"([\p{L}\p{N}\p{M}]+)");
    return pattern;
}

// Words of the prompt and, by the same index, where each stands.
struct Words {
    QStringList texts;
    QList<qsizetype> starts;
    qsizetype end(qsizetype index) const { return starts[index] + texts[index].size(); }
};

Words wordsOf(const QString& prompt) {
    Words words;
    auto matches = wordPattern().globalMatch(prompt);
    while (matches.hasNext()) {
        const auto match = matches.next();
        words.texts << match.captured();
        words.starts << match.capturedStart();
    }
    return words;
}

} // namespace

Result<PromptVocabulary> PromptVocabulary::load(const std::filesystem::path& modelFolder) try {
    const auto path = modelFolder / kFileName;
    PromptVocabulary vocabulary;
    if (std::error_code error; !std::filesystem::exists(path, error)) return vocabulary;
    const json file = pipelines::readJsonFile(path, kFileName);
    if (file.value("version", json()) != 1) bad("version", "1, the one that this program reads");
    vocabulary.m_styles = textsIn(file, "styles");
    vocabulary.m_subjects = textsIn(file, "subjects");
    const QString pattern = textOf(file.value("pattern", json("{style} of {subject}")), "pattern");
    static const QString style = "{style}", subject = "{subject}";
    if (!pattern.startsWith(style) || !pattern.endsWith(subject) ||
        pattern.size() <= style.size() + subject.size())
        bad("pattern", "\"{style}\", a text, \"{subject}\"");
    vocabulary.m_between = pattern.mid(style.size()).chopped(subject.size());
    for (const QString& word : textsIn(file, "words")) vocabulary.m_words.insert(comparable(word));
    for (const QString& subject : vocabulary.m_subjects)
        vocabulary.m_comparableSubjects << comparable(subject);
    const auto translations = modelFolder / kTranslationsName;
    if (std::error_code error; std::filesystem::exists(translations, error))
        vocabulary.m_meanings = TranslationTable::read(translations, vocabulary.m_subjects.size());
    return vocabulary;
} catch (const Error& error) {
    return error;
} catch (const std::exception& error) {
    return Error(ErrorCode::Io, std::string(kFileName) + " could not be read: " + error.what());
}

QList<PromptVocabulary::Completion> PromptVocabulary::completions(const QString& beginning,
                                                                  int most) const {
    const QString wanted = comparable(beginning);
    const bool enough = wanted.size() > 1 || (!wanted.isEmpty() && isUnspaced(wanted[0]));
    QList<Completion> whole, first, later, foreign;
    if (!enough) return first;
    for (qsizetype i = 0; i < m_subjects.size(); ++i) {
        if (m_comparableSubjects[i].startsWith(wanted))
            first << Completion{m_subjects[i], {}};
        else if (m_comparableSubjects[i].contains(' ' + wanted))
            later << Completion{m_subjects[i], {}};
    }
    // A short text is more often the beginning of something than a word of another language.
    const bool isWord = wanted.size() >= kShortestWord || isUnspaced(wanted[0]);
    for (const auto& entry : m_meanings.beginningWith(wanted, most))
        (isWord && entry.text == wanted ? whole : foreign)
            << Completion{m_subjects[entry.subject], entry.text};
    QList<Completion> all;
    QSet<QString> seen;
    for (const auto& list : {whole, first, later, foreign})
        for (const Completion& completion : list)
            if (all.size() < most && !seen.contains(completion.text)) {
                seen.insert(completion.text);
                all << completion;
            }
    return all;
}

qsizetype PromptVocabulary::subjectStart(const QString& beforeCursor) const {
    qsizetype start = beforeCursor.lastIndexOf(',') + 1;
    if (const Span style = styleSpan(beforeCursor); style.length > 0 && style.start >= start) {
        const qsizetype end = style.start + style.length;
        if (beforeCursor.mid(end).startsWith(m_between, Qt::CaseInsensitive))
            start = end + m_between.size();
    }
    static const QRegularExpression article(R"(^\s*(?:(?:an?|the)\s+)?)",
                                            QRegularExpression::CaseInsensitiveOption);
    return start + article.match(beforeCursor.mid(start)).capturedLength();
}

bool PromptVocabulary::knows(const QString& word) const {
    static const QSet<QString> always = {"a", "an", "the", "of", "and", "with", "in", "on"};
    const QString text = comparable(word);
    if (m_words.contains(text) || always.contains(text)) return true;
    bool number = false;
    text.toDouble(&number);
    // Captions name one of a kind; a prompt may ask for several.
    return number || (text.endsWith('s') && m_words.contains(text.chopped(1)));
}

PromptVocabulary::Found PromptVocabulary::longestPhrase(const QStringList& words,
                                                        qsizetype first) const {
    for (qsizetype count = std::min(kLongestPhrase, words.size() - first); count > 0; --count) {
        const int subject = m_meanings.find(comparable(words.mid(first, count).join(' ')));
        if (subject >= 0) return {count, subject};
    }
    return {};
}

void PromptVocabulary::readUnspaced(const QString& word, qsizetype start, Reading& reading) const {
    QStringList parts;
    QString left;
    const auto giveUp = [&] {
        if (!left.isEmpty()) reading.unknown << left;
        left.clear();
    };
    for (qsizetype at = 0; at < word.size();) {
        qsizetype length = std::min(m_meanings.longestUnspaced(), word.size() - at);
        int subject = -1;
        for (; length > 0; --length) {
            subject = m_meanings.find(comparable(word.mid(at, length)));
            if (subject >= 0) break;
        }
        if (length == 0) {
            left += word[at++];
            continue;
        }
        giveUp();
        parts << m_subjects[subject];
        reading.meant << Meaning{word.mid(at, length), m_subjects[subject], start + at};
        at += length;
    }
    if (parts.isEmpty()) parts << word;
    giveUp();
    reading.prompt += parts.join(", ");
}

PromptVocabulary::Reading PromptVocabulary::read(const QString& prompt) const {
    Reading reading;
    if (empty()) {
        reading.prompt = prompt;
        return reading;
    }
    const Words words = wordsOf(prompt);
    qsizetype done = 0; // of the prompt's characters
    for (qsizetype index = 0; index < words.texts.size();) {
        const QString& word = words.texts[index];
        reading.prompt += prompt.mid(done, words.starts[index] - done);
        qsizetype taken = 1;
        if (knows(word)) {
            reading.prompt += word;
        } else if (const Found found = longestPhrase(words.texts, index); found.words > 0) {
            taken = found.words;
            const qsizetype start = words.starts[index];
            reading.prompt += m_subjects[found.subject];
            reading.meant << Meaning{prompt.mid(start, words.end(index + taken - 1) - start),
                                     m_subjects[found.subject], start};
        } else if (std::any_of(word.cbegin(), word.cend(), isUnspaced)) {
            readUnspaced(word, words.starts[index], reading);
        } else {
            reading.prompt += word;
            reading.unknown << word;
        }
        index += taken;
        done = words.end(index - 1);
    }
    reading.prompt += prompt.mid(done);
    reading.unknown.removeDuplicates();
    return reading;
}

QStringList PromptVocabulary::hints(const Reading& reading, const QString& modelTitle) {
    const auto quoted = [](const QString& text) { return QChar(0x201c) + text + QChar(0x201d); };
    QStringList hints;
    for (const Meaning& meaning : reading.meant)
        hints << quoted(meaning.written) + " is " + quoted(meaning.known) + " to " + modelTitle +
                     '.';
    if (reading.unknown.isEmpty()) return hints;
    QStringList words;
    for (const QString& word : reading.unknown.mid(0, kMostNamed)) words << quoted(word);
    if (reading.unknown.size() > kMostNamed) words << "and more";
    hints << modelTitle + " has never seen " + words.join(", ") +
                 " and will guess. For more subjects, add a larger model.";
    return hints;
}

PromptVocabulary::Span PromptVocabulary::styleSpan(const QString& prompt) const {
    Span best{0, 0};
    for (const QString& style : m_styles) {
        const QRegularExpression pattern(R"(\b)" + QRegularExpression::escape(style) + R"(\b)",
                                         QRegularExpression::CaseInsensitiveOption |
                                             QRegularExpression::UseUnicodePropertiesOption);
        // "modern flat emoji" names that style and not "flat emoji" as well.
        if (const auto match = pattern.match(prompt); match.capturedLength() > best.length)
            best = {match.capturedStart(), match.capturedLength()};
    }
    return best;
}

QString PromptVocabulary::styleOf(const QString& prompt) const {
    const Span span = styleSpan(prompt);
    for (const QString& style : m_styles)
        if (prompt.mid(span.start, span.length).compare(style, Qt::CaseInsensitive) == 0)
            return style;
    return {};
}

QString PromptVocabulary::withStyle(const QString& prompt, const QString& style) const {
    const Span span = styleSpan(prompt);
    if (span.length == 0) return style.isEmpty() ? prompt : style + m_between + prompt.trimmed();
    if (!style.isEmpty()) return QString(prompt).replace(span.start, span.length, style);
    const QString before = prompt.left(span.start), after = prompt.mid(span.start + span.length);
    if (after.startsWith(m_between, Qt::CaseInsensitive))
        return before + after.mid(m_between.size());
    static const QRegularExpression comma(R"(,\s*$)");
    return (QString(before).remove(comma) + after).trimmed();
}

} // namespace kinora::core
