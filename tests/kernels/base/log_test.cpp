#include "kernels/base/log.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

using namespace kinora;

namespace {

struct Entry {
    LogLevel level;
    std::string message;
};

// Takes the log for one test; afterwards it is silent.
struct Capture {
    std::vector<Entry> entries;
    Capture() {
        setLogSink([this](LogLevel level, std::string_view message) {
            entries.push_back({level, std::string(message)});
        });
    }
    ~Capture() { setLogSink({}); }
};

} // namespace

TEST_CASE("the sink gets every message with its level") {
    Capture capture;
    logMessage(LogLevel::Debug, "a detail");
    logMessage(LogLevel::Error, "a failure");
    REQUIRE(capture.entries.size() == 2);
    CHECK(capture.entries[0].level == LogLevel::Debug);
    CHECK(capture.entries[0].message == "a detail");
    CHECK(capture.entries[1].level == LogLevel::Error);
}

TEST_CASE("an empty sink silences the log") {
    setLogSink({});
    CHECK_NOTHROW(logMessage(LogLevel::Error, "unheard"));
}

TEST_CASE("messages of two threads reach the sink one at a time") {
    constexpr int kMessages = 200;
    std::atomic<int> inside = 0;
    int together = 0;
    int messages = 0;
    setLogSink([&](LogLevel, std::string_view) {
        if (++inside > 1) ++together;
        std::this_thread::sleep_for(std::chrono::microseconds(50)); // let the other one try
        ++messages;
        --inside;
    });
    auto write = [] {
        for (int i = 0; i < kMessages; ++i) {
            logMessage(LogLevel::Info, "from one of two threads");
        }
    };
    std::thread first(write);
    std::thread second(write);
    first.join();
    second.join();
    setLogSink({});
    CHECK(together == 0);
    CHECK(messages == 2 * kMessages);
}
