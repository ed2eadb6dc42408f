// Which engine a command computes with.

#include "tests/app/cli/program_run.h"

#include <QElapsedTimer>
#include <QFile>
#include <QTest>

#include <signal.h>

using namespace kinora::app;

namespace {

// The program's child that is a worker; 0: none yet.
int workerOf(const QProcess& program) {
    const QDir threads(QStringLiteral("/proc/%1/task").arg(program.processId()));
    for (const QString& thread : threads.entryList(QDir::Dirs | QDir::NoDotAndDotDot)) {
        QFile children(threads.filePath(thread + QStringLiteral("/children")));
        if (!children.open(QIODevice::ReadOnly)) continue;
        for (const QByteArray& child : children.readAll().simplified().split(' ')) {
            QFile file(QStringLiteral("/proc/%1/cmdline").arg(QString::fromLatin1(child)));
            if (file.open(QIODevice::ReadOnly) && file.readAll().split('\0').contains("worker"))
                return child.toInt();
        }
    }
    return 0;
}

int waitForWorker(const QProcess& program, int otherThan = 0) {
    QElapsedTimer timer;
    timer.start();
    int worker = 0;
    while ((worker = workerOf(program)) == otherThan || worker == 0) {
        if (timer.elapsed() > 60'000) return 0;
        QTest::qWait(5);
    }
    return worker;
}

constexpr const char* kProject = R"({"format": "kinora-project", "version": 1, "batches": [
    {"name": "fruit", "rows": [
        {"request": {"prompt": "3d emoji of a pear", "steps": 60, "seed": 1}},
        {"request": {"prompt": "3d emoji of a lemon", "steps": 60, "seed": 2}}]}]})";

} // namespace

class ProgramTest : public QObject {
    Q_OBJECT

  private slots:
    void rendersInAWorkerThatMayDie() {
        const Home home;
        QFile project(home.path(QStringLiteral("fruit.kinora")));
        QVERIFY(project.open(QIODevice::WriteOnly) && project.write(kProject) > 0);
        project.close();
        QProcess render;
        home.start(render, {QStringLiteral("render"), project.fileName()});
        const int worker = waitForWorker(render);
        QVERIFY(worker > 0);
        QTest::qWait(700);
        ::kill(worker, SIGKILL);
        QVERIFY(waitForWorker(render, worker) > 0); // another one takes its place
        const Run run = Home::finish(render);
        QVERIFY2(run.code == 0, run.err.constData());
        const QStringList files = QString::fromUtf8(run.out).split(u'\n', Qt::SkipEmptyParts);
        QCOMPARE(files.size(), 2);
        // The pictures are those that the program makes in its own process.
        const Run verify = home.run(QStringList{QStringLiteral("verify")} + files);
        QVERIFY2(verify.code == 0, verify.err.constData());
        QVERIFY(!verify.out.contains("PSNR"));
    }

    void computesInItsOwnProcessWhereThatIsWanted() {
        const Home home;
        QFile project(home.path(QStringLiteral("fruit.kinora")));
        QVERIFY(project.open(QIODevice::WriteOnly) && project.write(kProject) > 0);
        project.close();
        QProcess render;
        home.start(render, {QStringLiteral("render"), QStringLiteral("--workers"),
                            QStringLiteral("0"), project.fileName()});
        while (!render.waitForFinished(20)) QCOMPARE(workerOf(render), 0);
        QCOMPARE(render.exitCode(), 0);
    }

    void refusesMoreWorkersThanThereCanBe() {
        const Home home;
        const Run run = home.run({QStringLiteral("render"), QStringLiteral("x.kinora"),
                                  QStringLiteral("--workers"), QStringLiteral("300")});
        QCOMPARE(run.code, 2);
        QVERIFY(run.errHas("--workers"));
    }
};

QTEST_GUILESS_MAIN(ProgramTest)
#include "program_test.moc"
