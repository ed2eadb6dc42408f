// The window with the real engine and the starter model: its event loop answers while a model is
// planned and read, while steps are computed and drawn, while a picture is decoded, saved and
// shown.

#include "app/models/gallery_model.h"
#include "app/models/job_controller.h"
#include "app/models/request_document.h"
#include "app/widgets/theme.h"
#include "app/windows/main_window.h"
#include "core/engine/in_process_engine.h"
#include "kernels/backend/registry.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/meta/meta_backend.h"
#include "tests/app/gui/watchdog.h"

#include <QApplication>
#include <QDir>
#include <QTemporaryDir>
#include <QTest>

#include <filesystem>

namespace kinora::app {

class StallTest : public QObject {
    Q_OBJECT

  private slots:
    void theLoopAnswersFromLoadingToTheSavedPicture() {
        QTemporaryDir folder;
        const std::filesystem::path base = folder.path().toStdString();
        kernels::BackendRegistry backEnds;
        backEnds.add(kernels::cpuBackend());
        backEnds.add(kernels::metaBackend());
        const core::ModelLibrary library({{KINORA_SOURCE_DIR "/resources/models"}, base});
        core::InProcessEngine::Options options;
        options.version = "kinora test";
        options.dataFolder = base;
        core::InProcessEngine engine(backEnds, library, options);
        const ProgramContext context{engine,  library, "0.1.0",           "", "kinora test",
                                     {"cpu"}, base,    base / "Pictures", 0,  &backEnds};
        Theme theme;
        theme.applyTo(*qApp);
        MainWindow window(theme, context);
        window.resize(1280, 800);
        window.show();
        QVERIFY(QTest::qWaitForWindowExposed(&window));
        QTest::qWait(200); // the first layout and the first frame are start-up, not a stall
        testing::Watchdog watchdog;
        window.start();
        QTRY_VERIFY_WITH_TIMEOUT(!window.document().models().empty(), 30000);
        for (const auto& [name, value] :
             {std::pair{"width", "256"}, {"height", "256"}, {"count", "2"}, {"steps", "8"}})
            QCOMPARE(window.document().setText(*pipelines::findImageParameter(name), value), "");
        window.generate();
        const auto files = [&] { return QDir(folder.path() + "/Pictures").entryList(QDir::Files); };
        QTRY_COMPARE_WITH_TIMEOUT(files().size(), 2, 240000);
        QTRY_VERIFY(!window.jobs().busy());
        QTRY_COMPARE(window.gallery().rowCount(), 2);

        qInfo("the longest the loop did not answer: %.1f ms, of which it computed %.1f ms; %d of "
              "%d gaps were over 50 ms",
              watchdog.longestGap(), watchdog.longestComputed(), watchdog.longGaps(),
              watchdog.answers());
        // The goal is 50 ms on a machine of one's own. On one that is shared with others even a
        // ready thread waits, so the test prints the gaps and bounds what the window itself
        // computes in one go.
        QVERIFY(watchdog.answers() > 20);
        QVERIFY2(watchdog.longestComputed() < 50,
                 qPrintable(QString::number(watchdog.longestComputed())));
    }
};

} // namespace kinora::app

QTEST_MAIN(kinora::app::StallTest)
#include "stall_test.moc"
