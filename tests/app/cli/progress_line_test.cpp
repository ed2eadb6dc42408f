#include "app/cli/progress_line.h"

#include <QTest>

using namespace kinora::app;

namespace {

const Progress kHalf{.label = "Step",
                     .fraction = 0.5,
                     .step = 10,
                     .steps = 20,
                     .secondsPerStep = 0.1,
                     .secondsLeft = 1};

} // namespace

class ProgressLineTest : public QObject {
    Q_OBJECT

  private slots:
    void drawsBarSpeedAndTimeLeft() {
        QCOMPARE(progressText(kHalf, 60),
                 std::string("Step 10/20 [###########-----------] 10.0 steps/s, 1.0 s left"));
    }

    void neverIsWiderThanTheTerminal() {
        for (int width = 1; width < 200; ++width)
            QVERIFY(progressText(kHalf, width).size() <= static_cast<size_t>(width));
    }

    void theBarGoesFirst() {
        QCOMPARE(progressText(kHalf, 40), std::string("Step 10/20 10.0 steps/s, 1.0 s left"));
    }

    void oddFractionsStayInTheBar() {
        for (double fraction : {-1.0, 0.0, 1.0, 7.0}) {
            Progress progress = kHalf;
            progress.fraction = fraction;
            QCOMPARE(progressText(progress, 60).size(), size_t{60});
        }
    }

    void tellsWhichPictureOfSeveral() {
        Progress progress = kHalf;
        progress.picture = 2;
        progress.pictures = 3;
        progress.secondsPerStep = 2.5;
        QCOMPARE(progressSentence(progress),
                 std::string("Picture 2/3, step 10/20, 2.5 s/step, 1.0 s left"));
    }

    void saysDurationsAndSizesAsPeopleDo() {
        QCOMPARE(durationText(0.04), std::string("0.0 s"));
        QCOMPARE(durationText(45.2), std::string("45 s"));
        QCOMPARE(durationText(185), std::string("3 min 05 s"));
        QCOMPARE(durationText(7800), std::string("2 h 10 min"));
        QCOMPARE(durationText(-1), std::string("?"));
        QCOMPARE(sizeText(12), std::string("12 bytes"));
        QCOMPARE(sizeText(640ULL << 20), std::string("640 MiB"));
        QCOMPARE(sizeText(1536ULL << 20), std::string("1.5 GiB"));
    }

    void letsOneLineThroughEveryFewSeconds() {
        LinePacer pacer;
        const LinePacer::Clock::time_point start;
        QVERIFY(pacer.due(start));
        QVERIFY(!pacer.due(start + std::chrono::milliseconds(2900)));
        QVERIFY(pacer.due(start + std::chrono::milliseconds(3000)));
        QVERIFY(!pacer.due(start + std::chrono::milliseconds(3100)));
    }
};

QTEST_GUILESS_MAIN(ProgressLineTest)
#include "progress_line_test.moc"
