#include "core/engine/worker/job_losses.h"

#include <QTest>

using namespace kinora::core;

class JobLossesTest : public QObject {
    Q_OBJECT

  private slots:
    void setsAsideWhatKillsTwiceAtOnePlace() {
        JobLosses losses;
        QCOMPARE(losses.add({5, 0}), std::string());
        QVERIFY(losses.add({5, 0}).starts_with("two workers"));
    }

    void aPictureThatIsHandedOutIsAnotherPlace() {
        JobLosses losses;
        QCOMPARE(losses.add({5, 0}), std::string());
        QCOMPARE(losses.add({5, 1}), std::string());
        QVERIFY(!losses.add({5, 1}).empty());
    }

    // Nothing was kept, and the second worker was lost earlier: the two have nothing in common.
    void goesOnAfterUnrelatedLosses() {
        JobLosses losses;
        QCOMPARE(losses.add({7, 0}), std::string());
        QCOMPARE(losses.add({5, 0}), std::string());
        QCOMPARE(losses.add({7, 0}), std::string());
        QCOMPARE(losses.add({8, 0}), std::string());
        QCOMPARE(losses.add({9, 1}), std::string());
    }

    void setsAsideWhatComesNoFurther() {
        JobLosses losses;
        QCOMPARE(losses.add({9, 0}), std::string());
        for (int i = 2; i < JobLosses::kMostInVain; ++i)
            QCOMPARE(losses.add({i % 2 ? 3 : 4, 0}), std::string());
        QVERIFY(losses.add({2, 0}).ends_with("it came no further."));
    }

    void comingFurtherIsNew() {
        JobLosses losses;
        QVERIFY(losses.isNew({0, 0}));
        (void)losses.add({3, 0});
        QVERIFY(!losses.isNew({3, 0}));
        QVERIFY(losses.isNew({3, 1}));
        QVERIFY(losses.isNew({4, 0}));
        QVERIFY((losses.last() == JobPlace{3, 0}));
    }
};

QTEST_APPLESS_MAIN(JobLossesTest)
#include "job_losses_test.moc"
