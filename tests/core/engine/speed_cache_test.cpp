#include "core/engine/speed_cache.h"
#include "kernels/cpu/cpu_backend.h"

#include <QFile>
#include <QTemporaryDir>
#include <QTest>

using namespace kinora;

class SpeedCacheTest : public QObject {
    Q_OBJECT

  private slots:
    void measuresOnceAndRemembers() {
        QTemporaryDir folder;
        const std::filesystem::path file = folder.filePath("cache/speeds.json").toStdString();
        const auto measured =
            core::SpeedCache(file).get("key", kernels::cpuBackend(), 1, kernels::DType::F32);
        const auto again =
            core::SpeedCache(file).get("key", kernels::cpuBackend(), 1, kernels::DType::F32);
        QCOMPARE(again.convolutionFlops, measured.convolutionFlops);
        QCOMPARE(again.secondsPerOp, measured.secondsPerOp);
        const auto other =
            core::SpeedCache(file).get("other", kernels::cpuBackend(), 1, kernels::DType::F32);
        QVERIFY(other.secondsPerOp != measured.secondsPerOp); // measured by itself
    }

    void forgetsWhatWasMeasuredBesideOtherWork() {
        QTemporaryDir folder;
        const QString file = folder.filePath("speeds.json");
        core::SpeedCache cache(file.toStdString());
        const auto get = [&](core::SpeedCache::Remember remember) {
            return cache.get("key", kernels::cpuBackend(), 1, kernels::DType::F32, remember);
        };
        const auto busy = get(core::SpeedCache::Remember::No);
        QVERIFY(busy.matmulFlops > 0);
        QVERIFY(!QFile::exists(file));
        QVERIFY(get(core::SpeedCache::Remember::Yes).secondsPerOp != busy.secondsPerOp);
        QVERIFY(QFile::exists(file));
    }

    void learnsFromWorkAndRemembersThat() {
        QTemporaryDir folder;
        const std::filesystem::path file = folder.filePath("speeds.json").toStdString();
        constexpr auto kMatmul = static_cast<size_t>(kernels::WorkClass::Matmul);
        pipelines::ClassTimes times;
        times[kMatmul] = {.ops = 1, .floatOperations = 1, .seconds = 4, .predictedSeconds = 1};
        const auto correction = [](core::SpeedCache& cache) {
            return cache.get("key", kernels::cpuBackend(), 1, kernels::DType::F32)
                .corrections[kMatmul];
        };
        core::SpeedCache cache(file);
        cache.learn("key", kernels::cpuBackend(), 1, kernels::DType::F32, times); // unknown
        QCOMPARE(correction(cache), 1.0);
        core::SpeedCache other(file); // another process, with another device
        other.get("other", kernels::cpuBackend(), 1, kernels::DType::F32);
        cache.learn("key", kernels::cpuBackend(), 1, kernels::DType::F32, times);
        QCOMPARE(correction(cache), 2.0);
        core::SpeedCache later(file);
        QCOMPARE(correction(later), 2.0);
        QFile text(QString::fromStdString(file.string()));
        QVERIFY(text.open(QIODevice::ReadOnly));
        QVERIFY(text.readAll().contains("\"other|cpu|1|f32\"")); // kept
    }

    void survivesADamagedFile() {
        for (const char* text : {"", "{", "[1]", "{\"key|cpu|1|f32\":{\"secondsPerOp\":-1}}"}) {
            QTemporaryDir folder;
            QFile file(folder.filePath("speeds.json"));
            QVERIFY(file.open(QIODevice::WriteOnly));
            file.write(text);
            file.close();
            core::SpeedCache cache(file.fileName().toStdString());
            QVERIFY(cache.get("key", kernels::cpuBackend(), 1, kernels::DType::F32).secondsPerOp >
                    0);
        }
    }
};

QTEST_GUILESS_MAIN(SpeedCacheTest)
#include "speed_cache_test.moc"
