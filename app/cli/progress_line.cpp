#include "app/cli/progress_line.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace kinora::app {
namespace {

std::string fixed(double value, int digits) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f", digits, value);
    return text.data();
}

std::string speedText(double secondsPerStep) {
    if (!(secondsPerStep > 0)) return {};
    if (secondsPerStep < 1) return fixed(1 / secondsPerStep, 1) + " steps/s";
    return fixed(secondsPerStep, 1) + " s/step";
}

std::string head(const Progress& progress) {
    std::string text;
    if (progress.pictures > 1)
        text = "Picture " + std::to_string(progress.picture) + "/" +
               std::to_string(progress.pictures) + ", ";
    std::string label = progress.label;
    if (!text.empty() && !label.empty() && label[0] >= 'A' && label[0] <= 'Z')
        label[0] = static_cast<char>(label[0] - 'A' + 'a');
    text += label;
    if (progress.steps > 0)
        text += " " + std::to_string(progress.step) + "/" + std::to_string(progress.steps);
    return text;
}

std::string tail(const Progress& progress) {
    std::string text = speedText(progress.secondsPerStep);
    if (progress.secondsLeft >= 0)
        text += (text.empty() ? "" : ", ") + durationText(progress.secondsLeft) + " left";
    return text;
}

} // namespace

std::string durationText(double seconds) {
    if (!std::isfinite(seconds) || seconds < 0) return "?";
    const auto whole = static_cast<int64_t>(std::min(seconds, 1e12) + 0.5);
    if (seconds < 10) return fixed(seconds, 1) + " s";
    if (whole < 60) return std::to_string(whole) + " s";
    std::array<char, 64> text{};
    if (whole < 3600)
        std::snprintf(text.data(), text.size(), "%lld min %02lld s",
                      static_cast<long long>(whole / 60), static_cast<long long>(whole % 60));
    else
        std::snprintf(text.data(), text.size(), "%lld h %02lld min",
                      static_cast<long long>(whole / 3600),
                      static_cast<long long>(whole % 3600 / 60));
    return text.data();
}

std::string sizeText(uint64_t bytes) {
    constexpr double kKibi = 1024;
    const auto value = static_cast<double>(bytes);
    if (value < kKibi) return std::to_string(bytes) + " bytes";
    if (value < kKibi * kKibi) return fixed(value / kKibi, 0) + " KiB";
    if (value < kKibi * kKibi * kKibi) return fixed(value / (kKibi * kKibi), 0) + " MiB";
    return fixed(value / (kKibi * kKibi * kKibi), 1) + " GiB";
}

std::string progressText(const Progress& progress, int width) {
    constexpr size_t kWidestBar = 30, kNarrowestBar = 6;
    const size_t columns = static_cast<size_t>(std::max(width, 1));
    const std::string begin = head(progress), end = tail(progress);
    const size_t text = begin.size() + 1 + (end.empty() ? 0 : end.size() + 1);
    std::string line = begin;
    if (text + kNarrowestBar + 2 <= columns) {
        const size_t bar = std::min(kWidestBar, columns - text - 2);
        const double fraction = std::clamp(progress.fraction, 0.0, 1.0);
        const auto done = static_cast<size_t>(fraction * static_cast<double>(bar) + 0.5);
        line += " [" + std::string(done, '#') + std::string(bar - done, '-') + "]";
    }
    if (!end.empty()) line += " " + end;
    if (line.size() > columns) line.resize(columns);
    return line;
}

std::string progressSentence(const Progress& progress) {
    const std::string end = tail(progress);
    return head(progress) + (end.empty() ? "" : ", " + end);
}

bool LinePacer::due(Clock::time_point now) {
    constexpr auto kBetween = std::chrono::seconds(3);
    if (m_last && now - *m_last < kBetween) return false;
    m_last = now;
    return true;
}

} // namespace kinora::app
