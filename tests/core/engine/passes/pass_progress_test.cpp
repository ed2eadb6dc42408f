#include "core/engine/passes/pass_progress.h"

#include <QTest>

using namespace kinora::core;

namespace {

void add(JobPasses& passes, int64_t calls, int64_t count, int64_t batch, double secondsPerStep,
         int64_t tiles = 0) {
    Pass& pass = passes.list.emplace_back();
    pass.calls = calls;
    pass.request.count = count;
    pass.request.batch = batch;
    pass.plan.steps = calls;
    pass.plan.secondsPerStep = secondsPerStep;
    if (tiles > 0) {
        pass.enlarge.emplace();
        pass.enlarge->plan.tiles = tiles;
        pass.enlarge->plan.secondsPerTile = 10;
    }
}

} // namespace

class PassProgressTest : public QObject {
    Q_OBJECT

  private slots:
    void anOrdinaryJobCountsItsBatches() {
        JobPasses passes;
        add(passes, 20, 3, 2, 0.5);
        const PassProgress progress(passes);
        QCOMPARE(progress.all().steps, 40); // two batches
        QCOMPARE(progress.all().seconds, 20.0);
        const PassPlace place{0, 0, 2, 5, 0};
        QCOMPARE(progress.done(place).steps, 25);
        QCOMPARE(progress.stepOfPicture(place), 5);
        QCOMPARE(progress.stepsOfPicture(), 20);
        QCOMPARE(progress.pictureAt(place), 2);
        QCOMPARE(progress.secondsOfStep(place), 0.5);
    }

    // All pictures with the one model, then all with the other: what is done grows, though it is
    // the first picture's turn again.
    void aRefinerGoesOnWhereTheFirstModelEnded() {
        JobPasses passes;
        add(passes, 16, 2, 1, 1);
        add(passes, 4, 2, 1, 2);
        const PassProgress progress(passes);
        QCOMPARE(progress.all().steps, 40);
        QCOMPARE(progress.all().seconds, 48.0);
        QCOMPARE(progress.done({0, 0, 1, 16, 0}).steps, 32);
        const PassPlace place{0, 1, 0, 1, 0};
        QCOMPARE(progress.done(place).steps, 33);
        QCOMPARE(progress.done(place).seconds, 34.0);
        QCOMPARE(progress.stepOfPicture(place), 17);
        QCOMPARE(progress.stepsOfPicture(), 20);
        QCOMPARE(progress.pictureAt(place), 0);
    }

    void roundsAndTilesCountToo() {
        JobPasses passes;
        add(passes, 4, 1, 1, 1, 2);
        add(passes, 3, 1, 1, 4, 5);
        passes.rounds = 3;
        const PassProgress progress(passes);
        QCOMPARE(progress.stepsOfPicture(), 14);
        QCOMPARE(progress.all().steps, 42);
        QCOMPARE(progress.all().seconds, 3 * (4.0 + 20 + 12 + 50));
        const PassPlace tile{1, 1, 0, 3, 2};
        QCOMPARE(progress.done(tile).steps, 14 + 6 + 5);
        QCOMPARE(progress.stepOfPicture(tile), 11);
        QCOMPARE(progress.pictureAt(tile), 1);
        QCOMPARE(progress.secondsOfStep(tile), 10.0);
        QCOMPARE(progress.done({2, 1, 0, 3, 5}).steps, 42);
    }

    // Of a batch each picture is enlarged for itself.
    void tilesBelongToThePicturesOfTheBatch() {
        JobPasses passes;
        add(passes, 4, 4, 2, 1, 3);
        const PassProgress progress(passes);
        const PassPlace last{0, 0, 2, 4, 6}, first{0, 0, 2, 4, 3}, next{0, 0, 2, 4, 4};
        QCOMPARE(progress.pictureAt(first), 2);
        QCOMPARE(progress.pictureAt(next), 3);
        QCOMPARE(progress.stepOfPicture(first), 7);
        QCOMPARE(progress.stepOfPicture(next), 5);
        QCOMPARE(progress.done(last).steps, progress.all().steps);
    }
};

QTEST_APPLESS_MAIN(PassProgressTest)
#include "pass_progress_test.moc"
