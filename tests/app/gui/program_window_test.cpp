// The module as main opens it: found by name, makes its own application, draws its first frame
// soon, and ends with the window.

#include "app/program.h"
#include "kernels/base/log.h"
#include "tests/app/gui/scripted_engine.h"

#include <QCoreApplication>
#include <QMetaObject>
#include <QTemporaryDir>
#include <QTest>

#include <dlfcn.h>
#include <mutex>
#include <string>
#include <thread>

namespace kinora::app {

class ProgramWindowTest : public QObject {
    Q_OBJECT

  private slots:
    void theModuleDrawsAndEnds() {
        void* module = ::dlopen(KINORA_BINARY_DIR "/lib/libkinora_gui.so", RTLD_NOW);
        QVERIFY2(module != nullptr, ::dlerror());
        const auto run = reinterpret_cast<WindowEntryPoint>(::dlsym(module, kWindowEntryPoint));
        QVERIFY(run != nullptr);

        std::mutex mutex;
        std::string drawn;
        setLogSink([&](LogLevel, std::string_view message) {
            const std::lock_guard lock(mutex);
            if (message.find("was drawn") != std::string_view::npos) drawn = message;
        });
        QTemporaryDir folder;
        const std::filesystem::path base = folder.path().toStdString();
        testing::ScriptedEngine engine;
        const core::ModelLibrary library({{}, base});
        const ProgramContext context{engine,  library, "0.1.0",           "", "kinora 0.1.0",
                                     {"cpu"}, base,    base / "Pictures", 2};
        std::thread closer([&] { // ends the window once it was drawn, or after ten seconds
            for (int i = 0; i < 1000; ++i) {
                std::this_thread::sleep_for(std::chrono::milliseconds(10));
                const std::lock_guard lock(mutex);
                if (!drawn.empty()) break;
            }
            QMetaObject::invokeMethod(QCoreApplication::instance(), &QCoreApplication::quit,
                                      Qt::QueuedConnection);
        });
        char name[] = "kinora";
        char* arguments[] = {name, nullptr};
        const int code = run(1, arguments, context);
        closer.join();
        setLogSink({});
        QCOMPARE(code, 0);
        QVERIFY(!drawn.empty());
        // "The window was drawn N ms after ...": far under a second even on a busy machine; the
        // goal of 0.5 s is measured by hand.
        const QString text = QString::fromStdString(drawn);
        const int milliseconds = text.section(' ', 4, 4).toInt();
        QVERIFY2(milliseconds > 0 && milliseconds < 5000, drawn.c_str());
    }
};

} // namespace kinora::app

QTEST_APPLESS_MAIN(kinora::app::ProgramWindowTest)
#include "program_window_test.moc"
