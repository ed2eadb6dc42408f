#include "app/widgets/phrases.h"

#include <cmath>

namespace kinora::app {

QString sizePhrase(uint64_t bytes) {
    const double value = static_cast<double>(bytes);
    if (value >= 99.5e6) return QString::number(value / 1e9, 'f', 1) + " GB";
    if (value >= 1e6) return QString::number(std::round(value / 1e6), 'f', 0) + " MB";
    return QString::number(std::ceil(value / 1e3), 'f', 0) + " KB";
}

QString secondsPhrase(double seconds) {
    if (!std::isfinite(seconds) || seconds < 0) return QStringLiteral("unknown");
    if (seconds < 0.995) return QString::number(seconds, 'f', 2) + " s";
    if (seconds < 9.95) return QString::number(seconds, 'f', 1) + " s";
    if (seconds < 99.5) return QString::number(std::round(seconds), 'f', 0) + " s";
    const auto minutes = static_cast<int64_t>(std::llround(std::min(seconds, 3.6e9) / 60.0));
    if (minutes < 60) return QString::number(minutes) + " min";
    if (minutes % 60 == 0) return QString::number(minutes / 60) + " h";
    return QString("%1 h %2 min").arg(minutes / 60).arg(minutes % 60);
}

QString timeLeftPhrase(double seconds) {
    if (!std::isfinite(seconds) || seconds < 0) return {};
    if (seconds < 1.5) return QStringLiteral("almost done");
    if (seconds < 8) return QStringLiteral("a few seconds left");
    if (seconds < 55) // to 5 s: a number that does not flicker with each step
        return QString("about %1 s left").arg(std::llround(seconds / 5.0) * 5);
    if (seconds < 90) return QStringLiteral("about 1 min left");
    return "about " + secondsPhrase(std::max(seconds, 120.0)) + " left";
}

QString countPhrase(int64_t n, const QString& one, const QString& many) {
    return QString::number(n) + " " + (n == 1 ? one : many);
}

QString titleFromPrompt(const QString& prompt, int length) {
    const QString line = prompt.simplified();
    if (line.isEmpty()) return QStringLiteral("No prompt");
    return line.size() <= length ? line : line.left(length - 1).trimmed() + QChar(0x2026);
}

} // namespace kinora::app
