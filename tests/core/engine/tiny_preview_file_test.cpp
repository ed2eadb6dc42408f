// A small autoencoder among the files beside the models, found by the engine, and the previews that
// it makes of a run.
#include "core/engine/tiny_preview_file.h"
#include "core/library/open_model.h"
#include "kernels/base/error.h"
#include "tests/core/engine/runner_fixture.h"

#include <QTest>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::core;
namespace fs = std::filesystem;
using pipelines::LatentSpace;

namespace {

const fs::path kTiny = kGolden / "tiny-autoencoders/taesd";

pipelines::ImageRequest request(const std::string& preview) {
    pipelines::ImageRequest request;
    request.model = (kGolden / "tiny-sd1").string();
    request.prompt = "a photo of a red apple";
    request.width = request.height = 64;
    request.steps = 4;
    request.sampler = "euler";
    request.seed = 7;
    request.precision = "f32";
    request.previewEvery = 1;
    request.preview = preview;
    return request;
}

// A file among the models of a fixture.
fs::path put(const RunnerFixture& fixture, const fs::path& file, const std::string& name) {
    const fs::path folder = fixture.folder() / "models/vae_approx";
    fs::create_directories(folder);
    fs::copy_file(file, folder / name, fs::copy_options::overwrite_existing);
    return folder / name;
}

struct Ran : RunnerJob {
    Ran(const RunnerFixture& fixture, const pipelines::ImageRequest& request) {
        const auto runner = fixture.runner();
        RunnerFixture::run(*runner, *this, nullptr, request);
    }
};

std::vector<int> previewWidths(const RunnerJob& job) {
    std::vector<int> widths;
    for (const PreviewEvent& preview : job.all<PreviewEvent>())
        widths.push_back(preview.image.width);
    return widths;
}

bool mentions(const std::vector<std::string>& warnings, const std::string& text) {
    return std::ranges::any_of(warnings, [&](const std::string& warning) {
        return warning.find(text) != std::string::npos;
    });
}

} // namespace

class TinyPreviewFileTest : public QObject {
    Q_OBJECT

  private slots:
    void tellsTheFamilyByTheName() {
        for (const char* name : {"taesd", "TAESD_decoder", "taesd-v1.2", "taesd_encoder_decoder"})
            QVERIFY2(tinyLatentSpace(name) == LatentSpace::StableDiffusion, name);
        for (const char* name : {"taesdxl", "taesdxl_decoder", "TAESDXL-decoder"})
            QVERIFY2(tinyLatentSpace(name) == LatentSpace::StableDiffusionXl, name);
        for (const char* name : {"", "taesd3_decoder", "taesdx", "taef1_decoder", "taesd_encoder",
                                 "taesdxl_encoder", "vae-ft-mse", "my-taesd"})
            QVERIFY2(!tinyLatentSpace(name), name);
    }

    void makesTheRunsPreviewsAndNoOtherPicture() {
        const RunnerFixture fixture;
        put(fixture, kTiny / "taesd_decoder.pth", "taesd_decoder.pth");
        const Ran fast(fixture, request("fast")), tiny = Ran(fixture, request("tiny"));
        QCOMPARE(tiny.failure(), std::string());
        QCOMPARE(previewWidths(fast), (std::vector<int>{8, 8, 8}));
        QCOMPARE(previewWidths(tiny), (std::vector<int>{64, 64, 64}));
        QCOMPARE(fast.all<PlannedEvent>().front().plan.preview, std::string("fast"));
        QCOMPARE(tiny.all<PlannedEvent>().front().plan.preview, std::string("tiny"));
        QVERIFY(tiny.pictures() == fast.pictures()); // their metadata too
        pipelines::ImageRequest none = request("tiny");
        none.previewEvery = 0;
        const Ran without(fixture, none);
        QVERIFY(without.all<PreviewEvent>().empty());
        QVERIFY(without.pictures() == tiny.pictures());
    }

    // The small autoencoder of this test is larger than its denoiser.
    void autoTakesWhatCostsLittle() {
        const RunnerFixture fixture;
        put(fixture, kTiny / "taesd_decoder.pth", "taesd_decoder.pth");
        const Ran job(fixture, request("auto"));
        QCOMPARE(job.failure(), std::string());
        QCOMPARE(previewWidths(job), (std::vector<int>{8, 8, 8}));
    }

    void aSecondPassHasItsOwnSize() {
        const RunnerFixture fixture;
        put(fixture, kTiny / "taesd_decoder.pth", "taesd_decoder.pth");
        pipelines::ImageRequest asked = request("tiny");
        asked.hires = 2;
        const Ran job(fixture, asked);
        QCOMPARE(job.failure(), std::string());
        const std::vector<int> widths = previewWidths(job);
        QCOMPARE(widths.front(), 64);
        QCOMPARE(widths.back(), 128);
    }

    void theModelsOwnIsTakenWhereItIsSmall() {
        const RunnerFixture fixture;
        pipelines::ImageRequest asked = request("tiny");
        asked.vae = (kTiny / "taesd_decoder.pth").string();
        const Ran job(fixture, asked);
        QCOMPARE(job.failure(), std::string());
        QCOMPARE(previewWidths(job), (std::vector<int>{64, 64, 64}));
    }

    void saysWhichFileIsMissing() {
        const RunnerFixture fixture;
        put(fixture, kTiny / "taesd_decoder.pth", "taesdxl_decoder.pth"); // of the other family
        put(fixture, kTiny / "taesd_encoder.pth", "taesd_encoder.pth");   // the other half
        QVERIFY(Ran(fixture, request("tiny"))
                    .failure()
                    .find("no small autoencoder for Stable Diffusion 1.x and 2.x") !=
                std::string::npos);
        const Ran job(fixture, request("auto"));
        QCOMPARE(job.failure(), std::string());
        QVERIFY(job.all<PlannedEvent>().front().plan.warnings.empty());
        pipelines::ImageRequest starter = request("tiny");
        starter.model.clear();
        QVERIFY(Ran(fixture, starter).failure().find("a kind of its own") != std::string::npos);
    }

    // Another one that can be used counts; where there is none the run goes on without.
    void passesOverWhatCannotBeUsed() {
        const RunnerFixture fixture;
        const fs::path broken = put(fixture, kTiny / "taesd_decoder.pth", "taesd-a.pth");
        fs::resize_file(broken, 1000);
        const Ran job(fixture, request("auto"));
        QCOMPARE(job.failure(), std::string());
        QVERIFY(mentions(job.all<PlannedEvent>().front().plan.warnings, "taesd-a.pth"));
        QVERIFY(Ran(fixture, request("tiny")).failure().find("taesd-a.pth") != std::string::npos);
        put(fixture, kTiny / "taesd_decoder.pth", "taesd-b.pth");
        const Ran other(fixture, request("tiny"));
        QCOMPARE(other.failure(), std::string());
        QVERIFY(other.all<PlannedEvent>().front().plan.warnings.empty());
        QCOMPARE(previewWidths(other), (std::vector<int>{64, 64, 64}));
    }
};

QTEST_GUILESS_MAIN(TinyPreviewFileTest)
#include "tiny_preview_file_test.moc"
