#pragma once
// How far a run is: a bar on a terminal, a line every few seconds on a pipe. Text alone; Console
// decides where it goes.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace kinora::app {

struct Progress {
    std::string label;                 // "Loading the denoiser", "Step"
    double fraction = 0;               // of the whole run, 0 to 1
    int64_t step = 0, steps = 0;       // 0 steps: no numbers are shown
    int64_t picture = 0, pictures = 1; // pictures above 1: which one, from 1
    double secondsPerStep = 0;
    double secondsLeft = -1; // negative: not known
};

// "Step 12/20 [######----] 8.1 steps/s, 1 s left", at most `width` columns: the bar goes first,
// then the end of the line. Slow steps are told as seconds per step.
std::string progressText(const Progress& progress, int width);

// The same without a bar.
std::string progressSentence(const Progress& progress);

// "45 s", "3 min 05 s", "2 h 10 min".
std::string durationText(double seconds);
// "1.5 GiB", "640 MiB".
std::string sizeText(uint64_t bytes);

// Lets one line through every few seconds.
class LinePacer {
  public:
    using Clock = std::chrono::steady_clock;
    bool due(Clock::time_point now);

  private:
    std::optional<Clock::time_point> m_last;
};

} // namespace kinora::app
