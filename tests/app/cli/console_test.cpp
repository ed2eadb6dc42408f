#include "app/cli/console.h"

#include <QTest>
#include <nlohmann/json.hpp>

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <functional>
#include <unistd.h>

using namespace kinora;
using namespace kinora::app;

namespace {

// What is written to a descriptor while `work` runs.
std::string captured(int descriptor, const std::function<void()>& work) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) return "no pipe";
    const int saved = ::dup(descriptor);
    ::dup2(ends[1], descriptor);
    work();
    ::dup2(saved, descriptor);
    ::close(saved);
    ::close(ends[1]);
    std::string text(4096, '\0');
    const ssize_t size = ::read(ends[0], text.data(), text.size());
    ::close(ends[0]);
    return text.substr(0, static_cast<size_t>(std::max<ssize_t>(size, 0)));
}

} // namespace

class ConsoleTest : public QObject {
    Q_OBJECT

  private slots:
    void dataAndEventsExcludeEachOther() {
        const auto both = [](Console& console) {
            console.data("a.png");
            console.event({{"event", "result"}, {"seed", uint64_t{18446744073709551615ULL}}});
        };
        QCOMPARE(captured(STDOUT_FILENO,
                          [&] {
                              Console console({});
                              both(console);
                          }),
                 std::string("a.png\n"));
        QCOMPARE(captured(STDOUT_FILENO,
                          [&] {
                              Console console({.json = true});
                              both(console);
                          }),
                 std::string("{\"event\":\"result\",\"seed\":18446744073709551615}\n"));
    }

    void quietSilencesRemarksAndKeepsErrors() {
        const std::string text = captured(STDERR_FILENO, [] {
            Console console({.quiet = true});
            console.remark("a remark");
            console.detail("a detail");
            console.progress({.label = "Step"});
            console.complaint("a complaint");
            console.error(Error(ErrorCode::BadFile, "broken", "mend it"), "info");
        });
        QCOMPARE(text, std::string("a complaint\nkinora: broken\nmend it\n"));
    }

    void errorsAreEventsToo() {
        const std::string text = captured(STDOUT_FILENO, [] {
            Console console({.json = true});
            console.error(Error(ErrorCode::DiskFull, "full \xff", "make room"), "image");
        });
        const auto event = nlohmann::json::parse(text);
        QCOMPARE(event["event"].get<std::string>(), std::string("error"));
        QCOMPARE(event["code"].get<std::string>(), std::string("disk-full"));
        QCOMPARE(event["context"].get<std::string>(), std::string("image"));
        QCOMPARE(event["hint"].get<std::string>(), std::string("make room"));
    }

    void aPipeGetsOneLineOfProgressInAWhile() {
        const std::string text = captured(STDERR_FILENO, [] {
            Console console({});
            for (int step = 1; step <= 100; ++step)
                console.progress({.label = "Step", .step = step, .steps = 100});
        });
        QCOMPARE(text, std::string("Step 1/100\n"));
    }

    void remembersThatOutputFailed() {
        const int full = ::open("/dev/full", O_WRONLY);
        QVERIFY(full >= 0);
        const int saved = ::dup(STDOUT_FILENO);
        ::dup2(full, STDOUT_FILENO);
        Console console({});
        console.data("lost");
        ::dup2(saved, STDOUT_FILENO);
        ::close(saved);
        ::close(full);
        QCOMPARE(console.outputError(), ENOSPC);
    }

    void controlCharactersDoNotReachTheTerminal() {
        QCOMPARE(printable("a\x1b[31mb\nc\x07"), std::string("a\xEF\xBF\xBD[31mb\nc\xEF\xBF\xBD"));
        const std::string shown = "\xEF\xBF\xBD";
        QCOMPARE(printable("lora\u202Egnp.exe\u2066"), "lora" + shown + "gnp.exe" + shown);
        QCOMPARE(printable("👨\u200D👩"), std::string("👨\u200D👩")); // joins, turns nothing
        QCOMPARE(printable("цвет 火"), std::string("цвет 火"));
    }
};

QTEST_GUILESS_MAIN(ConsoleTest)
#include "console_test.moc"
