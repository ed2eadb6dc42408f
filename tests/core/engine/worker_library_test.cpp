// The module as the program opens it.
#include "core/engine/worker_library.h"
#include "tests/core/engine/worker/worker_fixture.h"

using namespace kinora;
using namespace kinora::core;

class WorkerLibraryTest : public QObject {
    Q_OBJECT

  private slots:
    void givesAnEngine() {
        const WorkerFixture fixture;
        Result<std::unique_ptr<Engine>> engine = makeWorkerEngine(fixture.options(2));
        QVERIFY2(engine.ok(), engine ? "" : engine.error().what());
        QCOMPARE((*engine)->capacity(), 2);
        QVERIFY((*engine)->plan(WorkerFixture::redApple()).ok());
        QCOMPARE((*engine)->workers().size(), size_t{2});
    }
};

QTEST_GUILESS_MAIN(WorkerLibraryTest)
#include "worker_library_test.moc"
