// The window's entry point, which main finds by name in libkinora_gui.so.

#include "app/widgets/theme.h"
#include "app/windows/main_window.h"
#include "kernels/base/log.h"

#include <QApplication>
#include <QElapsedTimer>
#include <QEvent>
#include <QTimer>

#include <cstdlib>
#include <string>

namespace kinora::app {
namespace {

// Says how long the first frame took, then lets the window begin its work in the background.
class FirstPaint : public QObject {
  public:
    FirstPaint(QElapsedTimer clock, MainWindow& window)
        : QObject(&window), m_clock(clock), m_window(window) {
        window.installEventFilter(this);
    }
    bool eventFilter(QObject*, QEvent* event) override {
        if (event->type() == QEvent::Paint) {
            m_window.removeEventFilter(this);
            QTimer::singleShot(0, this, [this] {
                logMessage(LogLevel::Info, "The window was drawn " +
                                               std::to_string(m_clock.elapsed()) +
                                               " ms after its module was entered.");
                m_window.start();
            });
        }
        return false;
    }

  private:
    QElapsedTimer m_clock;
    MainWindow& m_window;
};

bool g_windowRuns = false;

// Where the display goes away Qt calls exit() from below the event loop: destructors of statics
// would run under the engine's threads. Pictures are renamed into place, so nothing is half there.
void endAtOnceWhileTheWindowRuns() {
    if (g_windowRuns) std::_Exit(EXIT_FAILURE);
}

int runWindow(int argc, char** argv, const ProgramContext& context) {
    QElapsedTimer clock;
    clock.start();
    QApplication application(argc, argv);
    QApplication::setApplicationName("kinora");
    QApplication::setApplicationDisplayName("Kinora");
    QApplication::setApplicationVersion(QString::fromStdString(context.version));
    QGuiApplication::setDesktopFileName("kinora");
    Theme theme;
    {
        const WindowSettings settings(context.dataFolder);
        theme.setSystemDark(settings.systemDark());
        theme.setChoice(settings.theme());
    }
    theme.applyTo(application);
    QApplication::setWindowIcon(theme.icon("kinora"));
    // A closed window may have work to finish: it says when that is done.
    QApplication::setQuitOnLastWindowClosed(false);
    MainWindow window(theme, context);
    QObject::connect(&window, &MainWindow::left, &application, [] { QCoreApplication::exit(0); });
    QObject::connect(&application, &QGuiApplication::commitDataRequest, &window,
                     &MainWindow::endWithSession, Qt::DirectConnection);
    new FirstPaint(clock, window);
    window.show();
    g_windowRuns = true;
    std::atexit(endAtOnceWhileTheWindowRuns);
    const int code = QApplication::exec();
    g_windowRuns = false;
    return code;
}

} // namespace
} // namespace kinora::app

extern "C" int kinoraRunWindow(int argc, char** argv, const kinora::app::ProgramContext& context) {
    return kinora::app::runWindow(argc, argv, context);
}
