#pragma once
// What a model was trained on, in words: completions, style chips, and a kind hint where a prompt
// asks for something that it does not know. Read from vocabulary.json in the model's folder and
// vocabulary.tsv (translation_table.h) beside it, which may be missing; a model without the first
// has none, and nothing is offered or said.
//
// {"version": 1, "styles": ["3d emoji", ...], "pattern": "{style} of {subject}",
//  "subjects": ["red apple", ...], "words": ["apple", ...]}
//
// words: every word of the training captions, lower case. A line of the other file, `roter
// apfel<tab>18`, names a subject by its number in `subjects`.

#include "core/library/translation_table.h"
#include "kernels/base/result.h"

#include <QSet>
#include <QString>
#include <QStringList>

#include <filesystem>

namespace kinora::core {

class PromptVocabulary {
  public:
    // Without any words: nothing is known, nothing is offered.
    PromptVocabulary() = default;
    // Of the model in this folder; empty where it has no vocabulary.json. Errors: BadFile naming
    // the field, Io.
    static Result<PromptVocabulary> load(const std::filesystem::path& modelFolder);

    bool empty() const { return m_styles.isEmpty() && m_subjects.isEmpty(); }
    const QStringList& styles() const { return m_styles; }
    const QStringList& subjects() const { return m_subjects; }

    struct Completion {
        QString text;    // what to write: "red apple"
        QString meaning; // the text that was found, where it is another: "roter apfel"
    };
    // For the beginning of a subject, in any language that is known: what the whole text means,
    // then subjects that begin so, those with a later word that does, other languages' words. At
    // most `most`.
    QList<Completion> completions(const QString& beginning, int most) const;
    // Where in a prompt, up to the cursor, the subject being typed begins.
    qsizetype subjectStart(const QString& beforeCursor) const;

    struct Meaning {
        QString written, known; // "roter Apfel", "red apple"
        qsizetype start = 0;    // of `written`, in the prompt that was read
    };
    struct Reading {
        QString prompt;       // with what could be translated in English
        QList<Meaning> meant; // in the order of the prompt
        QStringList unknown;  // words that no training caption had
    };
    Reading read(const QString& prompt) const;

    // What to tell a person of it: one sentence for each thing, none where all is known.
    static QStringList hints(const Reading& reading, const QString& modelTitle);

    // The first style that the prompt names; empty where it names none.
    QString styleOf(const QString& prompt) const;
    // The prompt in this style instead of its own; without any where style is empty.
    QString withStyle(const QString& prompt, const QString& style) const;

  private:
    struct Span {
        qsizetype start, length;
    };
    struct Found {
        qsizetype words = 0; // how many of the prompt's words; 0: nothing found
        int subject = -1;
    };

    Span styleSpan(const QString& prompt) const;
    bool knows(const QString& word) const;
    Found longestPhrase(const QStringList& words, qsizetype first) const;
    // start: of the word, in the prompt.
    void readUnspaced(const QString& word, qsizetype start, Reading& reading) const;

    QStringList m_styles, m_subjects, m_comparableSubjects;
    QString m_between; // of the pattern, what stands between style and subject: " of "
    QSet<QString> m_words;
    TranslationTable m_meanings;
};

} // namespace kinora::core
