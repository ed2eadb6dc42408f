#pragma once
// Measures how long an event loop does not answer, for tests of the window.

#include <QElapsedTimer>
#include <QObject>
#include <QTimer>

#include <algorithm>
#include <ctime>
#include <fstream>

namespace kinora::app::testing {

// Of this thread, in ms.
inline double computedMilliseconds() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) * 1e-6;
}

// How long this thread was ready while the machine ran others: field 2 of its schedstat, in ns. 0
// where the system does not count it.
inline double millisecondsInLine() {
    std::ifstream file("/proc/thread-self/schedstat");
    double ran = 0, waited = 0;
    file >> ran >> waited;
    return waited * 1e-6;
}

// Asks the event loop every few milliseconds how long it did not answer. What the machine gave to
// others meanwhile is taken off: that is not the window's fault, computing and waiting for a disk
// or a lock is. A lock's holder may itself have been put aside, so a few long gaps are borne.
class Watchdog : public QObject {
  public:
    Watchdog() {
        m_clock.start();
        m_timer.setTimerType(Qt::PreciseTimer);
        connect(&m_timer, &QTimer::timeout, this, [this] {
            const double inLine = millisecondsInLine();
            const double computed = computedMilliseconds();
            const double gap = static_cast<double>(m_clock.nsecsElapsed()) * 1e-6;
            m_clock.restart();
            const double own = gap - (inLine - m_inLine);
            if (own > 50) ++m_longGaps;
            m_longestGap = std::max(m_longestGap, own);
            m_longestComputed = std::max(m_longestComputed, computed - m_computed);
            m_inLine = inLine;
            m_computed = computed;
            ++m_answers;
        });
        m_timer.start(5);
    }
    double longestComputed() const { return m_longestComputed; }
    double longestGap() const { return m_longestGap; } // what others had of the machine taken off
    int longGaps() const { return m_longGaps; }
    int answers() const { return m_answers; }

  private:
    QTimer m_timer;
    QElapsedTimer m_clock;
    double m_inLine = millisecondsInLine();
    double m_computed = computedMilliseconds();
    double m_longestComputed = 0;
    double m_longestGap = 0;
    int m_longGaps = 0;
    int m_answers = 0;
};

} // namespace kinora::app::testing
