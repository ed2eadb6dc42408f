#include "core/library/companion_files.h"
#include "core/library/plain_file_name.h"
#include "tests/support/temporary_folder.h"

#include <QTest>

using namespace kinora;
using namespace kinora::core;

class PlainFileNameTest : public QObject {
    Q_OBJECT

  private slots:
    void takesHashAndEndingAway() {
        QCOMPARE(plainFileName("canny.pth [d14c016b]"), std::string("canny"));
        QCOMPARE(plainFileName("canny [D14C016B]"), std::string("canny"));
        QCOMPARE(plainFileName("SD15/Dreamy.V8.safetensors"), std::string("SD15/Dreamy.V8"));
        for (const char* name : {"", "v1.5", "My Style [locon]", "style []", "[0a1b]", "a/b.txt"})
            QCOMPARE(plainFileName(name), std::string(name));
    }

    void comparesNames() {
        QVERIFY(isCalled("Ink", "ink"));
        QVERIFY(isCalled("Ink", "INK.safetensors [0a1b]"));
        QVERIFY(isCalled("Ink [0a1b]", "ink [0a1b]"));
        QVERIFY(!isCalled("Ink", "ink2"));
    }

    void findsFilesBesideModels() {
        const test::TemporaryFolder folder;
        const auto found = [&](const std::string& name) {
            const auto path = findCompanion({folder.path()}, CompanionKind::Lora, name);
            return path ? path->string() : path.error().message();
        };
        const auto lora = folder.write("Lora/Style v1.2.safetensors", "x");
        QCOMPARE(found("style V1.2 [0a1b2c3d4e]"), lora.string());
        QCOMPARE(found("style v1.2.pt"), lora.string());
        const auto exact = folder.write("Lora/style v1.2 [0a1b].safetensors", "x");
        QCOMPARE(found("Style v1.2 [0a1b]"), exact.string());
    }
};

QTEST_GUILESS_MAIN(PlainFileNameTest)
#include "plain_file_name_test.moc"
