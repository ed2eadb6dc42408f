#include "core/engine/job_checkpoint.h"
#include "tests/support/checkpoint_sample.h"
#include "tests/support/memory_checkpoint.h"

#include <QTest>

#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::core;
using pipelines::RunMoment;

namespace {

const JobCheckpoint::Fits kFits = [](const PassState& state) {
    return JobCheckpoint::Place{state.run->first, state.run->stepsTaken};
};

} // namespace

class JobCheckpointTest : public QObject {
    Q_OBJECT

    test::MemoryCheckpoint m_store;
    Checkpoint m_sample = test::sampleCheckpoint();

  private slots:
    void init() { m_store = {}; }

    void beginsWhereNothingIsKept() {
        JobCheckpoint job(&m_store);
        QVERIFY(!job.begin(m_sample.run, kFits));
        QVERIFY(!job.resumed());
        job.leave(); // before the first step: there is nothing to keep
        QVERIFY(m_store.bytes.empty());
    }

    void goesOnFromWhatWasOfferedLast() {
        JobCheckpoint first(&m_store);
        (void)first.begin(m_sample.run, kFits);
        first.offer(RunMoment::Step, [this] { return m_sample.state; });

        JobCheckpoint second(&m_store);
        const PassState* from = second.begin(m_sample.run, kFits);
        QVERIFY(from && *from == m_sample.state);
        QCOMPARE(second.resumed()->picture, 2);
        QCOMPARE(second.resumed()->step, 7);
        QCOMPARE(second.resumed()->fromBeginningBecause, std::string());
        QCOMPARE(second.resumed()->interruption,
                 std::string("the program ended before the job did"));
        second.clear();
        QVERIFY(m_store.bytes.empty());
    }

    void takesOverTheTilingWhereTheRequestLeavesItOpen() {
        const auto tilingFor = [&](const char* kept, const char* asked) {
            Checkpoint checkpoint = m_sample;
            pipelines::ImageRequest request;
            request.tiling = kept;
            checkpoint.run.request = requestIdentity(request);
            test::MemoryCheckpoint store;
            store.bytes = toBytes(checkpoint);
            request.tiling = asked;
            return JobCheckpoint(&store).withTiling(request).tiling;
        };
        QCOMPARE(tilingFor("on", "auto"), std::string("on"));
        QCOMPARE(tilingFor("off", "auto"), std::string("off"));
        QCOMPARE(tilingFor("on", "off"), std::string("off"));
        QCOMPARE(tilingFor("auto", "auto"), std::string("auto"));
    }

    void leavesWithTheLastStateThoughItWasNotDue() {
        m_store.due = false;
        JobCheckpoint first(&m_store);
        (void)first.begin(m_sample.run, kFits);
        first.offer(RunMoment::Step, [this] { return m_sample.state; });
        QVERIFY(m_store.bytes.empty());
        first.leave();
        QVERIFY(m_store.read().state == m_sample.state);
        JobCheckpoint second(&m_store);
        QVERIFY(second.begin(m_sample.run, kFits));
        QCOMPARE(second.resumed()->interruption, std::string("the program was closed"));
        // Left again before its first step, nothing is lost; on the way, it is no longer "left".
        second.leave();
        QVERIFY(m_store.read().state == m_sample.state);
        m_store.due = true;
        second.offer(RunMoment::Step, [this] { return m_sample.state; });
        QVERIFY(!m_store.read().left);
    }

    void keepsAtOnceWhereItMatters() {
        JobCheckpoint job(&m_store);
        (void)job.begin(m_sample.run, kFits);
        for (const RunMoment moment :
             {RunMoment::Step, RunMoment::BeforeDecoding, RunMoment::BatchBegins})
            job.offer(moment, [this] { return m_sample.state; });
        QVERIFY((m_store.moments == std::vector{KeepWhen::Due, KeepWhen::Now, KeepWhen::Now}));
    }

    void beginsAgainAndSaysWhy_data() {
        QTest::addColumn<QString>("what");
        QTest::addColumn<QString>("words");
        QTest::newRow("another version") << "version" << "it was begun by kinora 0.0.9";
        QTest::newRow("damaged") << "damaged" << "what was kept is damaged: it is cut short";
        QTest::newRow("unreadable") << "unreadable" << "what was kept cannot be read";
        QTest::newRow("does not fit") << "fits" << "it does not fit";
    }
    void beginsAgainAndSaysWhy() {
        QFETCH(QString, what);
        QFETCH(QString, words);
        Checkpoint kept = m_sample;
        if (what == "version") kept.run.engineVersion = "kinora 0.0.9";
        m_store.bytes = toBytes(kept);
        if (what == "damaged") m_store.bytes.pop_back();
        m_store.fails = what == "unreadable";
        JobCheckpoint job(&m_store);
        QVERIFY(!job.begin(m_sample.run, [&](const PassState& state) {
            if (what == "fits") throw Error(ErrorCode::BadFile, "it does not fit");
            return kFits(state);
        }));
        QCOMPARE(QString::fromStdString(job.resumed()->fromBeginningBecause), words);
        QCOMPARE(job.resumed()->step, 0);
        QCOMPARE(job.resumed()->picture, 0);
    }

    void takesTheSeedThatWasDrawn() {
        pipelines::ImageRequest request;
        QVERIFY(!JobCheckpoint(&m_store).withSeed(request).seed);
        m_store.bytes = toBytes(m_sample);
        QCOMPARE(JobCheckpoint(&m_store).withSeed(request).seed.value(), 5);
        request.seed = 6; // a person's own counts
        QCOMPARE(JobCheckpoint(&m_store).withSeed(request).seed.value(), 6);
    }

    void doesNothingWithoutAStore() {
        JobCheckpoint job(nullptr);
        QVERIFY(!job.begin(m_sample.run, kFits));
        bool copied = false;
        job.offer(RunMoment::BeforeDecoding, [&] {
            copied = true;
            return m_sample.state;
        });
        job.leave();
        job.clear();
        QVERIFY(!copied);
        QVERIFY(!job.resumed());
    }
};

QTEST_APPLESS_MAIN(JobCheckpointTest)
#include "job_checkpoint_test.moc"
