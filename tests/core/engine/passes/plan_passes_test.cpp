// What the plan of a job of several passes says before anything is loaded. The real starter model.
#include "core/engine/passes/plan_passes.h"
#include "core/library/open_model.h"
#include "pipelines/image/resolve_request.h"
#include "tests/core/engine/runner_fixture.h"

#include <QTest>

#include <cmath>
#include <utility>

using namespace kinora;
using namespace kinora::core;

namespace {

pipelines::ImageRequest apple(int64_t steps = 4) {
    pipelines::ImageRequest request;
    request.prompt = "3d emoji of a red apple";
    request.seed = 1;
    request.steps = steps;
    request.width = request.height = 64;
    return request;
}

std::string upscaler(const char* name = "compact-x2.safetensors") {
    return (kGolden / "upscalers" / name).string();
}

} // namespace

class PlanPassesTest : public QObject {
    Q_OBJECT

    RunnerFixture m_fixture;
    std::unique_ptr<JobRunner> m_runner = m_fixture.runner();

    pipelines::Plan plan(const pipelines::ImageRequest& request) {
        const Result<pipelines::Plan> plan = m_runner->plan(request);
        if (!plan) qFatal("%s", plan.error().what());
        return *plan;
    }
    // Without what is loaded once.
    static double running(const pipelines::Plan& plan) {
        return plan.seconds - static_cast<double>(plan.weightBytes) / 1e9;
    }

  private slots:
    void bothModelsCount() {
        pipelines::ImageRequest request = apple(10);
        const pipelines::Plan alone = plan(request);
        request.refiner = "starter-image";
        request.refinerAt = 0.7;
        const pipelines::Plan both = plan(request);
        QCOMPARE(both.steps, 10);
        // The second one is read too, and reads the prompt.
        QVERIFY(both.seconds > alone.seconds + static_cast<double>(alone.weightBytes) / 1e9);
    }

    void theSecondPassCounts() {
        pipelines::ImageRequest request = apple();
        const pipelines::Plan small = plan(request);
        request.hires = 2;
        request.hiresSteps = 10;
        const pipelines::Plan one = plan(request);
        QCOMPARE(one.steps, 4 + 5);
        QCOMPARE(one.width, 128);
        QVERIFY(one.peakBytes > small.peakBytes);
        QVERIFY(one.seconds > small.seconds + 5 * small.secondsPerStep);
        request.count = 3;
        const pipelines::Plan three = plan(request);
        QCOMPARE(three.count, 3);
        QCOMPARE(three.steps, one.steps);
        QVERIFY(std::abs(running(three) - 3 * running(one)) < 0.01 * running(three));
    }

    void enlargingCounts() {
        pipelines::ImageRequest request = apple();
        const pipelines::Plan small = plan(request);
        request.upscaler = upscaler();
        const pipelines::Plan enlarged = plan(request);
        QCOMPARE(enlarged.width, 128);
        QCOMPARE(enlarged.steps, 4 + 2); // a tile of colour, one of alpha
        QVERIFY(enlarged.seconds > small.seconds);
        request.background = "white";
        QCOMPARE(plan(request).steps, 4 + 1);
        request.upscaler.reset();
        request.hires = 2;
        const int64_t steps = plan(request).steps;
        request.hiresUpscaler = upscaler();
        QCOMPARE(plan(request).steps, steps + 2);
        QCOMPARE(plan(request).width, 128);
    }

    // On its way to a file it lies in memory outside of the arena, and so does what it begins from.
    void aPictureCountsBesideTheArena() {
        const pipelines::Model model = openModel(kModels / "starter-image");
        pipelines::TextToImagePlanner planner(model, m_fixture.backends().find("meta"),
                                              kernels::DType::F32, 2);
        const auto beside = [&](int64_t side) { // and what the program itself takes
            pipelines::ImageRequest request = apple();
            request.precision = "f32";
            request.tiling = "on";
            request.width = request.height = side;
            const size_t all = plan(request).peakBytes;
            const auto resolved = pipelines::resolveRequest(request, model);
            return all - planner.plan(resolved, pipelines::Machine()).peakBytes;
        };
        QCOMPARE(beside(256) - beside(128), size_t{60} * (256 * 256 - 128 * 128));
    }

    // Not only those of the first picture.
    void looksAtAllLatentsToStartFrom() {
        pipelines::ImageRequest request = apple();
        request.saveLatentsPath = (m_fixture.folder() / "one.safetensors").string();
        RunnerJob job;
        RunnerFixture::run(*m_runner, job, nullptr, request);
        QCOMPARE(job.failure(), std::string());
        request.latentsPath = std::exchange(request.saveLatentsPath, {});
        request.hires = 2;
        QVERIFY(m_runner->plan(request).ok());
        request.count = 2;
        QVERIFY(!m_runner->plan(request).ok());
    }

    void saysBeforeLoadingWhatDoesNotGo_data() {
        QTest::addColumn<std::function<void(pipelines::ImageRequest&)>>("change");
        QTest::addColumn<QString>("words");
        const auto row = [](const char* words,
                            std::function<void(pipelines::ImageRequest&)> change) {
            QTest::addRow("%s", words) << std::move(change) << words;
        };
        row("No step is left for one of the two models", [](auto& request) {
            request.steps = 2;
            request.refiner = "starter-image";
            request.refinerAt = 0.99;
        });
        row("its latents are of another kind",
            [](auto& request) { request.refiner = (kGolden / "tiny-sd1").string(); });
        row("tiny-inpaint: cannot refine: it is an inpainting model",
            [](auto& request) { request.refiner = (kGolden / "tiny-inpaint").string(); });
        row("tiny-edit: cannot refine: it is made to edit pictures",
            [](auto& request) { request.refiner = (kGolden / "tiny-edit").string(); });
        row("There is no model 'nothing'", [](auto& request) { request.refiner = "nothing"; });
        row("There is no upscaler 'nothing'", [](auto& request) { request.upscaler = "nothing"; });
        row("There is no upscaler 'nothing'", [](auto& request) {
            request.hires = 2;
            request.hiresUpscaler = "nothing";
        });
        row("at most 16384 on a side", [](auto& request) {
            request.width = 4096;
            request.upscaler = upscaler("esrgan-x8-oldest.safetensors");
        });
    }
    void saysBeforeLoadingWhatDoesNotGo() {
        QFETCH(std::function<void(pipelines::ImageRequest&)>, change);
        QFETCH(QString, words);
        pipelines::ImageRequest request = apple();
        change(request);
        const Result<pipelines::Plan> plan = m_runner->plan(request);
        QVERIFY(!plan.ok());
        QVERIFY2(plan.error().message().find(words.toStdString()) != std::string::npos,
                 plan.error().what());
        RunnerJob job;
        RunnerFixture::run(*m_runner, job, nullptr, request);
        QCOMPARE(job.events.size(), size_t{1}); // nothing was loaded
    }
};

QTEST_GUILESS_MAIN(PlanPassesTest)
#include "plan_passes_test.moc"
