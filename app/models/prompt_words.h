#pragma once
// Words that a file beside the model wants in the prompt: whether they stand there, and the prompt
// with and without them.

#include <QString>

namespace kinora::app {

// Whole words, without case: "cat" is not in "concatenate".
bool hasWords(const QString& prompt, const QString& words);
// Behind a comma at the end.
QString withWords(const QString& prompt, const QString& words);
// Once, with the comma that they leave behind.
QString withoutWords(const QString& prompt, const QString& words);

} // namespace kinora::app
