#include "core/engine/bench.h"
#include "core/engine/bench_networks.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/meta/meta_backend.h"

#include <QTest>

using namespace kinora;

namespace {

const kernels::BackendTable& planBackend() { // as the program registers it
    static const kernels::BackendTable table = kernels::cpuPlanBackend(kernels::metaBackend());
    return table;
}

} // namespace

class BenchTest : public QObject {
    Q_OBJECT

    kernels::BackendRegistry m_backends;

    static core::BenchOptions starter() {
        core::BenchOptions options;
        options.modelFolder = KINORA_SOURCE_DIR "/resources/models/starter-image";
        options.width = options.height = 64;
        options.repeat = 3;
        options.steps = 2;
        options.precision = "f32";
        return options;
    }

    double countedGflop(const pipelines::Model& model, const core::BenchOptions& options) {
        const auto meta = m_backends.open("meta", {.threads = 1});
        const core::BenchNetworks networks(model, options, *meta, kernels::DType::F32);
        meta->startRecording();
        networks.run();
        double gflop = 0;
        for (const kernels::WorkRecord& record : meta->stopRecording())
            gflop += record.floatOperations * 1e-9;
        return gflop;
    }

  private slots:
    void initTestCase() {
        m_backends.add(kernels::cpuBackend());
        m_backends.add(planBackend());
    }

    void aWholeRunIsTheSumOfItsParts() {
        core::BenchOptions options = starter();
        options.repeat = 1;
        const auto gflop = [&](core::BenchPart part, int64_t batch) {
            options.part = part;
            options.batch = batch;
            const auto result = core::runBench(m_backends, options);
            return result ? (*result)->gflop : -1;
        };
        const double unet = gflop(core::BenchPart::Unet, 2);
        const double vae = gflop(core::BenchPart::Vae, 1);
        const double text = gflop(core::BenchPart::Text, 2);
        const double whole = gflop(core::BenchPart::Image, 1);
        // The prompt of the UNet alone is as long as CLIP's, that of the whole run the model's own.
        const double sum = text + 2 * unet + vae;
        QVERIFY2(whole > 0.8 * sum && whole <= sum, qPrintable(QString::number(whole / sum)));
    }

    // PyTorch's FlopCounterMode on diffusers' modules (tests/bench/compare_pytorch.py makes them)
    // counts products alone.
    void networksAreAsLargeAsTheReference_data() {
        QTest::addColumn<QString>("kind");
        QTest::addColumn<int>("part");
        QTest::addColumn<int>("side");
        QTest::addColumn<double>("gflop");
        const auto row = [](const char* name, const char* kind, core::BenchPart part, int side,
                            double gflop) {
            QTest::newRow(name) << kind << static_cast<int>(part) << side << gflop;
        };
        row("unet of sd15", "sd1", core::BenchPart::Unet, 512, 803.27);
        row("unet of sdxl", "sdxl", core::BenchPart::Unet, 1024, 6761.24);
        row("vae", "sd1", core::BenchPart::Vae, 512, 2514.52);
        row("text of sd15", "sd1", core::BenchPart::Text, 512, 13.2985);
    }
    void networksAreAsLargeAsTheReference() {
        QFETCH(QString, kind);
        QFETCH(int, part);
        QFETCH(int, side);
        QFETCH(double, gflop);
        core::BenchOptions options;
        options.part = static_cast<core::BenchPart>(part);
        options.width = options.height = side;
        const auto model = pipelines::Model::open(KINORA_SOURCE_DIR "/resources/checkpoints/" +
                                                  kind.toStdString());
        const double counted = countedGflop(model, options);
        QVERIFY2(counted > gflop && counted < 1.005 * gflop, qPrintable(QString::number(counted)));
    }

    void decodesInTilesThatOverlap() {
        core::BenchOptions options = starter();
        options.part = core::BenchPart::Vae;
        options.width = options.height = 1024;
        const auto model = pipelines::Model::open(options.modelFolder);
        const double whole = countedGflop(model, options);
        options.tiled = true;
        QVERIFY(countedGflop(model, options) > 1.1 * whole);
    }

    void measuresEachRun() {
        const auto result = core::runBench(m_backends, starter());
        QVERIFY2(result.ok(), result ? "" : result.error().what());
        QCOMPARE((*result)->seconds.size(), size_t{3});
        QVERIFY((*result)->medianSeconds > 0);
        QVERIFY((*result)->predictedPeakBytes > 0);
        QCOMPARE((*result)->precision, std::string("f32"));
    }

    void refusesASizeThatTheModelCannotTake() {
        core::BenchOptions options = starter();
        options.width = 75;
        const auto result = core::runBench(m_backends, options);
        QVERIFY(!result.ok());
        QVERIFY(result.error().code() == ErrorCode::InvalidArgument);
    }

    void refusesNoRunAtAll() {
        core::BenchOptions options = starter();
        options.repeat = 0;
        QCOMPARE(core::runBench(m_backends, options).error().code(), ErrorCode::InvalidArgument);
    }

    void saysWhetherItCanEverFit_data() {
        QTest::addColumn<bool>("ever");
        QTest::newRow("memory taken by others") << true;
        QTest::newRow("a small machine") << false;
    }
    void saysWhetherItCanEverFit() {
        QFETCH(bool, ever);
        static uint64_t memoryBytes = 0;
        memoryBytes = ever ? uint64_t{1} << 40 : uint64_t{1} << 20;
        kernels::BackendTable full = kernels::cpuBackend();
        full.describe = [](int32_t ordinal, kernels::DeviceDescription* out) {
            const kernels::Status status = kernels::cpuBackend().describe(ordinal, out);
            out->freeMemoryBytes = uint64_t{1} << 20;
            out->memoryBytes = memoryBytes;
            return status;
        };
        kernels::BackendRegistry backends;
        backends.add(full);
        backends.add(planBackend());
        QCOMPARE(core::runBench(backends, starter()).error().code(),
                 ever ? ErrorCode::Busy : ErrorCode::DoesNotFit);
    }

    void tellsOfAFolderThatCannotBeRead() {
        core::BenchOptions options = starter();
        options.modelFolder = std::string(5000, 'x'); // no file system has such names
        QVERIFY(!core::runBench(m_backends, options).ok());
    }

    void cancels() {
        core::BenchOptions options = starter();
        options.cancel.cancel();
        const auto result = core::runBench(m_backends, options);
        QVERIFY(result.ok());
        QVERIFY(!result->has_value());
    }
};

QTEST_GUILESS_MAIN(BenchTest)
#include "bench_test.moc"
