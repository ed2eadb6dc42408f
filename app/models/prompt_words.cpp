#include "app/models/prompt_words.h"

namespace kinora::app {
namespace {

bool isLetter(const QString& text, qsizetype at) {
    return at >= 0 && at < text.size() && text[at].isLetterOrNumber();
}

// -1: not there.
qsizetype placeOf(const QString& prompt, const QString& words) {
    if (words.isEmpty()) return -1;
    for (qsizetype at = prompt.indexOf(words, 0, Qt::CaseInsensitive); at >= 0;
         at = prompt.indexOf(words, at + 1, Qt::CaseInsensitive)) {
        const bool begins = !isLetter(words, 0) || !isLetter(prompt, at - 1);
        const bool ends =
            !isLetter(words, words.size() - 1) || !isLetter(prompt, at + words.size());
        if (begins && ends) return at;
    }
    return -1;
}

} // namespace

bool hasWords(const QString& prompt, const QString& words) {
    return placeOf(prompt, words) >= 0;
}

QString withWords(const QString& prompt, const QString& words) {
    const QString before = prompt.trimmed();
    if (before.isEmpty()) return words;
    return before + (before.endsWith(',') ? " " : ", ") + words;
}

QString withoutWords(const QString& prompt, const QString& words) {
    const qsizetype at = placeOf(prompt, words);
    if (at < 0) return prompt;
    QString before = prompt.left(at).trimmed(), after = prompt.mid(at + words.size()).trimmed();
    if (after.startsWith(','))
        after = after.mid(1).trimmed();
    else if (after.isEmpty() && before.endsWith(','))
        before = before.chopped(1).trimmed();
    if (before.isEmpty() || after.isEmpty()) return before + after;
    return before + " " + after;
}

} // namespace kinora::app
