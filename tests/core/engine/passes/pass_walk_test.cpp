// Jobs of several passes, interrupted anywhere: they go on to the same bytes. The real starter
// model; against diffusers, tiny models of the XL family.
#include "core/engine/checkpoint.h"
#include "pipelines/request/parameters.h"
#include "pipelines/weights/safetensors.h"
#include "tests/core/engine/runner_fixture.h"
#include "tests/support/golden_file.h"

#include <QTest>

#include <cmath>

using namespace kinora;
using namespace kinora::core;

namespace {

pipelines::ImageRequest apples(int64_t count) {
    pipelines::ImageRequest request;
    request.prompt = "3d emoji of a red apple";
    request.seed = 1;
    request.steps = 4;
    request.width = request.height = 64;
    request.sampler = "euler_a"; // draws in each step
    request.count = count;
    return request;
}

pipelines::ImageRequest refined(int64_t count, int64_t batch) {
    pipelines::ImageRequest request = apples(count);
    request.batch = batch;
    request.refiner = "starter-image";
    request.refinerAt = 0.5;
    return request;
}

pipelines::ImageRequest larger(int64_t count) {
    pipelines::ImageRequest request = apples(count);
    request.hires = 1.5;
    request.hiresStrength = 0.5;
    return request;
}

std::string upscaler() {
    return (kGolden / "upscalers/compact-x2.safetensors").string();
}

} // namespace

class PassWalkTest : public QObject {
    Q_OBJECT

    RunnerFixture m_fixture;

    // Each checkpoint of the job, and how much had been told when it was kept.
    struct Kept {
        std::vector<std::byte> bytes;
        size_t steps, pictures;
    };
    std::vector<Kept> runWhole(const pipelines::ImageRequest& request, RunnerJob& whole) {
        test::MemoryCheckpoint store;
        std::vector<Kept> kept;
        size_t steps = 0, pictures = 0;
        const auto collect = [&] {
            while (kept.size() < store.all.size())
                kept.push_back({store.all[kept.size()], steps, pictures});
        };
        RunnerFixture::run(*m_fixture.runner(), whole, &store, request,
                           [&](const EngineEvent& event) {
                               collect();
                               steps += std::holds_alternative<StepEvent>(event);
                               pictures += std::holds_alternative<PictureEvent>(event);
                           });
        return kept;
    }
    static bool growsByOne(const std::vector<StepEvent>& steps) {
        for (size_t i = 1; i < steps.size(); ++i)
            if (steps[i].done != steps[i - 1].done + 1) return false;
        return !steps.empty() && steps.back().done == steps.back().all &&
               steps.back().secondsLeft == 0;
    }

  private slots:
    void goesOnFromAnyCallOfAnyPass_data() {
        QTest::addColumn<pipelines::ImageRequest>("request");
        QTest::addColumn<int>("states");
        // Two calls, the next batch, two calls; the refiner; the same.
        QTest::newRow("refiner") << refined(2, 1) << 11;
        QTest::newRow("refiner in batches") << refined(3, 2) << 11;
        // Four calls, the second pass, two calls; the second picture; the same.
        QTest::newRow("hires") << larger(2) << 15;
        pipelines::ImageRequest request = larger(2);
        request.hiresUpscaler = request.upscaler = upscaler();
        QTest::newRow("hires with upscalers") << request << 15;
        request = apples(3);
        request.batch = 2;
        request.upscaler = upscaler();
        QTest::newRow("enlarged") << request << 9;
    }
    void goesOnFromAnyCallOfAnyPass() {
        QFETCH(pipelines::ImageRequest, request);
        QFETCH(int, states);
        RunnerJob whole;
        const std::vector<Kept> kept = runWhole(request, whole);
        QCOMPARE(whole.failure(), std::string());
        QCOMPARE(static_cast<int>(kept.size()), states);
        const RunnerJob::Pictures expected = whole.pictures();
        QCOMPARE(std::ssize(expected), request.count);
        const auto told = whole.all<StepEvent>();
        QVERIFY(growsByOne(told));
        QCOMPARE(told.front().done, 1);
        QCOMPARE(std::ssize(told), told.back().all);

        const auto next = m_fixture.runner();
        for (const Kept& left : kept) {
            test::MemoryCheckpoint store;
            store.bytes = left.bytes;
            RunnerJob rest;
            RunnerFixture::run(*next, rest, &store, request);
            QCOMPARE(rest.failure(), std::string());
            QCOMPARE(rest.all<ResumedEvent>().at(0).fromBeginningBecause, std::string());
            const RunnerJob::Pictures made = rest.pictures();
            for (const auto& [picture, pixels] : made) QVERIFY(expected.at(picture) == pixels);
            QVERIFY(made.size() + left.pictures >= expected.size());
            const auto steps = rest.all<StepEvent>();
            QVERIFY(steps.empty() || growsByOne(steps));
            QVERIFY(std::ssize(steps) + static_cast<int64_t>(left.steps) <= told.back().all);
            QVERIFY(store.bytes.empty());
        }
    }

    void believesNoState_data() {
        QTest::addColumn<std::function<void(PassState&)>>("change");
        QTest::addColumn<QString>("words");
        const auto row = [](const char* words, std::function<void(PassState&)> change) {
            QTest::addRow("%s", words) << std::move(change) << words;
        };
        row("pass 2 of round 0 is none", [](PassState& state) { state.pass = 2; });
        row("pass 1 of round 1 is none", [](PassState& state) { state.round = 1; });
        row("what the pass before left is not", [](PassState& state) { state.taken.clear(); });
        row("a picture that nothing begins from",
            [](PassState& state) { state.picture = {{1, 1, 3}, {0, 0, 0}}; });
        row("leaves something that no pass takes",
            [](PassState& state) { state.handed = state.taken; });
        row("begins with picture 1", [](PassState& state) { state.taken.front().first = 1; });
        row("the latents of a batch",
            [](PassState& state) { state.taken.front().latents.values[7] = NAN; });
        row("not of 1", [](PassState& state) {
            state.taken.front().noise.push_back(state.taken.front().noise.front());
        });
        row("began later", [](PassState& state) { state.run->calls = state.run->stepsTaken = 0; });
        row("the latents hold", [](PassState& state) { state.run->latents.values[7] = NAN; });
        row("its part ends at 2", [](PassState& state) {
            state.pass = 0;
            state.taken.clear();
        });
    }
    void believesNoState() {
        QFETCH(std::function<void(PassState&)>, change);
        QFETCH(QString, words);
        const pipelines::ImageRequest request = refined(1, 1);
        static RunnerJob whole; // of all rows
        static const std::vector<std::byte> kept = runWhole(request, whole).back().bytes;
        test::MemoryCheckpoint store;
        store.bytes = kept;
        Checkpoint last = store.read();
        QCOMPARE(last.state.pass, 1);
        change(last.state);
        store.bytes = toBytes(last);
        RunnerJob again;
        RunnerFixture::run(*m_fixture.runner(), again, &store, request);
        const std::string why = again.all<ResumedEvent>().at(0).fromBeginningBecause;
        QVERIFY2(why.find(words.toStdString()) != std::string::npos, why.c_str());
        QVERIFY(again.pictures() == whole.pictures());
    }

    // What was begun by the first model is finished by the second, and no more.
    void stopsAfterWhatIsBegun() {
        RunnerJob whole, stopped;
        RunnerFixture::run(*m_fixture.runner(), whole, nullptr, refined(3, 1));
        test::MemoryCheckpoint store;
        RunnerFixture::run(*m_fixture.runner(), stopped, &store, refined(3, 1),
                           [&](const EngineEvent& event) {
                               const auto* step = std::get_if<StepEvent>(&event);
                               if (step && step->picture == 1) stopped.control.stopAfterThis = true;
                           });
        QCOMPARE(stopped.all<PictureEvent>().size(), size_t{2});
        RunnerJob rest; // killed in the second pass, and the wish with it
        store.bytes = store.all.at(5);
        QCOMPARE(store.read().state.pass, 1);
        RunnerFixture::run(*m_fixture.runner(), rest, &store, refined(3, 1));
        auto expected = whole.pictures();
        expected.erase(2);
        QVERIFY(stopped.pictures() == expected);
        QVERIFY(rest.pictures() == expected);
    }

    void aJobOfTwoModelsIsWhatDiffusersMakes() {
        const test::GoldenFile expected("refiner.safetensors");
        const nlohmann::json cases = test::readGoldenJson("refiner.json");
        QCOMPARE(cases.size(), size_t{7});
        for (const auto& [name, how] : cases.items()) {
            if (how.contains("init")) continue; // no file: passes_golden_test compares these
            pipelines::ImageRequest request = pipelines::imageRequestFromJson(how);
            request.model = (kGolden / "tiny-xl").string();
            request.refiner = (kGolden / "tiny-xl-refiner").string();
            request.precision = "f32";
            const std::filesystem::path file = m_fixture.folder() / (name + ".safetensors");
            request.saveLatentsPath = file.string();
            RunnerJob job;
            RunnerFixture::run(*m_fixture.runner(), job, nullptr, request);
            QCOMPARE(job.failure(), std::string());
            const pipelines::SafetensorsFile saved(file, "latents");
            std::vector<float> latents(
                static_cast<size_t>(saved.find("latents", {})->shape.elements()));
            saved.read("latents", 0, latents);
            const double error = test::relativeError(latents, expected.floats(name));
            QVERIFY2(error <= 1e-4, (name + " differs by " + std::to_string(error)).c_str());
        }
    }

    // Enlarged as it would be from its file.
    void thePictureIsEnlargedInEightBits() {
        pipelines::ImageRequest request = apples(1);
        RunnerJob small, large;
        RunnerFixture::run(*m_fixture.runner(), small, nullptr, request);
        request.upscaler = upscaler();
        RunnerFixture::run(*m_fixture.runner(), large, nullptr, request);
        QCOMPARE(large.failure(), std::string());
        Image stored = small.all<PictureEvent>().at(0).image;
        const std::vector<uint8_t> bytes = toBytes(stored);
        for (size_t i = 0; i < bytes.size(); ++i)
            stored.pixels[i] = static_cast<float>(bytes[i]) * (1.0F / 255);
        UpscaleOptions options;
        options.upscaler = upscaler();
        options.threads = 2;
        options.tile = 256;
        const auto alone = upscalePicture(m_fixture.backends(), stored, options);
        QVERIFY(alone.ok());
        const PictureEvent picture = large.all<PictureEvent>().at(0);
        QCOMPARE(picture.image.width, 128);
        QVERIFY(picture.image.pixels == (*alone)->image.pixels);
        QCOMPARE(picture.provenance.request.upscaler.value(), std::string("compact-x2"));
        QCOMPARE(picture.provenance.files.at(0).name, std::string("compact-x2"));
        QVERIFY(picture.provenance.files.at(0).hash.starts_with("sha256:"));
    }

    void leavesAfterATile() {
        pipelines::ImageRequest request = apples(1);
        request.upscaler = upscaler();
        test::MemoryCheckpoint store;
        RunnerJob left;
        RunnerFixture::run(*m_fixture.runner(), left, &store, request,
                           [&](const EngineEvent& event) {
                               const auto* step = std::get_if<StepEvent>(&event);
                               if (step && step->step == 5) left.control.leave.cancel();
                           });
        QVERIFY(std::holds_alternative<CancelledEvent>(left.events.back()));
        QVERIFY(store.read().left);
        QCOMPARE(left.all<StepEvent>().size(), size_t{5});
    }
};

QTEST_GUILESS_MAIN(PassWalkTest)
#include "pass_walk_test.moc"
