#pragma once
// Sizes and times in the words of the window: "about 2 min left", "1.4 GB".

#include <QString>

#include <cstdint>

namespace kinora::app {

QString sizePhrase(uint64_t bytes);     // "0.4 GB", "320 MB" (powers of 1000)
QString secondsPhrase(double seconds);  // "0.08 s", "1.8 s", "25 s", "3 min", "2 h 10 min"
QString timeLeftPhrase(double seconds); // "a few seconds left", "about 2 min left"
QString countPhrase(int64_t n, const QString& one,
                    const QString& many); // "1 picture", "3 pictures"
// The prompt as a title: one line, at most `length` characters.
QString titleFromPrompt(const QString& prompt, int length = 80);

} // namespace kinora::app
