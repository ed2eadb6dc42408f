#include "core/project/asset_values.h"
#include "kernels/base/error.h"
#include "tests/support/temporary_folder.h"

#include <QRegularExpression>
#include <QTest>

using namespace kinora;
using namespace kinora::core;

class AssetValuesTest : public QObject {
    Q_OBJECT

  private slots:
    void filesOfEveryKindAreKept_data() {
        QTest::addColumn<QString>("parameter");
        QTest::addColumn<QString>("value");
        QTest::addColumn<QString>("kept"); // # where a reference stands
        const auto row = [](const char* parameter, const char* value, const char* kept) {
            QTest::newRow(value) << parameter << value << kept;
        };
        row("init", "a.png", "#.png");
        row("mask", "./a.png", "#.png");
        row("latents", "b.safetensors", "#.safetensors");
        row("controlImage", "a.png;b.safetensors", "#.png; #.safetensors");
        row("lora", "style:0.5;./b.safetensors:0.8", "style:0.5; #.safetensors:0.8");
        row("embedding", "./b.safetensors", "#.safetensors:b");
        row("vae", "./b.safetensors", "#.safetensors");
        row("control", "canny:0.5", "canny:0.5");
        row("ipAdapter", "plus:a.png:0.5", "plus:#.png:0.5");
        row("ipAdapter", "./b.safetensors:a.png", "#.safetensors:#.png:1");
        row("prompt", "./a.png", "./a.png");
    }
    void filesOfEveryKindAreKept() {
        QFETCH(QString, parameter);
        QFETCH(QString, value);
        QFETCH(QString, kept);
        const test::TemporaryFolder folder;
        folder.write("a.png", "one");
        folder.write("b.safetensors", "two");
        const auto& row = *pipelines::findImageParameter(parameter.toStdString());
        for (const auto& place : {folder.path() / "p.assets", std::filesystem::path()}) {
            pipelines::ImageRequest request;
            pipelines::setFromText(request, row, value.toStdString());
            keepAsAssets(request, row, AssetStore(place), folder.path());
            keepAsAssets(request, row, AssetStore(place), folder.path()); // changes nothing more
            QString text = QString::fromStdString(pipelines::toText(request, row).value());
            static const QRegularExpression reference(QStringLiteral("asset:[0-9a-f]{64}"));
            QCOMPARE(text.replace(reference, QStringLiteral("#")), kept);
        }
        QCOMPARE(std::filesystem::exists(folder.path() / "p.assets"), kept.contains(u'#'));
    }

    void aFileThatIsNotThereIsTold() {
        const auto& row = *pipelines::findImageParameter("init");
        pipelines::ImageRequest request;
        request.initPath = "nowhere.png";
        QVERIFY_THROWS_EXCEPTION(Error, keepAsAssets(request, row, AssetStore({}), "/nowhere"));
    }
};

QTEST_GUILESS_MAIN(AssetValuesTest)
#include "asset_values_test.moc"
