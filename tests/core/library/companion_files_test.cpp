#include "core/library/companion_files.h"
#include "core/library/companion_fit.h"
#include "core/library/companion_info.h"
#include "core/library/model_library.h"
#include "tests/support/temporary_folder.h"

#include <QTest>

using namespace kinora;
using namespace kinora::core;
namespace fs = std::filesystem;

namespace {

const fs::path kGolden = fs::path(KINORA_SOURCE_DIR) / "tests/golden/data";

std::string foundIn(const std::vector<fs::path>& roots, const std::string& name) {
    const Result<fs::path> path = findCompanion(roots, CompanionKind::Lora, name);
    return path ? path->string() : path.error().message() + " " + path.error().advice();
}

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

} // namespace

class CompanionFilesTest : public QObject {
    Q_OBJECT

  private slots:
    void readsTheFoldersOfOtherPrograms_data() {
        QTest::addColumn<QString>("file");
        QTest::addColumn<QString>("root");
        QTest::newRow("A1111") << "models/Lora/people/Style.safetensors" << "";
        QTest::newRow("A1111's models") << "models/Lora/Style.safetensors" << "models";
        QTest::newRow("A1111's checkpoints")
            << "models/Lora/Style.safetensors" << "models/Stable-diffusion";
        QTest::newRow("ComfyUI") << "models/loras/Style.safetensors" << "models/checkpoints";
        QTest::newRow("InvokeAI") << "models/sd-1/lora/Style.safetensors" << "models";
        QTest::newRow("anywhere") << "mine/Style.pt" << "mine";
    }
    void readsTheFoldersOfOtherPrograms() {
        QFETCH(QString, file);
        QFETCH(QString, root);
        const test::TemporaryFolder folder;
        const fs::path expected = folder.write(file.toStdString(), "x");
        folder.write("models/Stable-diffusion/model.safetensors", "x");
        folder.write("models/checkpoints/model.safetensors", "x");
        const fs::path start = folder.path() / root.toStdString();
        QCOMPARE(foundIn({start}, "style"), expected.string());
        QCOMPARE(foundIn({start, folder.path()}, "STYLE"), expected.string());
    }

    void prefersTheFolderOfTheKind() {
        const test::TemporaryFolder folder;
        folder.write("models/VAE/same.safetensors", "x");
        const fs::path lora = folder.write("models/Lora/same.safetensors", "x");
        QCOMPARE(foundIn({folder.path()}, "same"), lora.string());
        folder.write("models/Lora/other/same.safetensors", "x");
        QVERIFY(contains(foundIn({folder.path()}, "same"), "Several files"));
        QVERIFY(contains(foundIn({folder.path()}, "none"), "There is no LoRA 'none'."));
        QVERIFY(
            contains(foundIn({folder.path()}, "/no/such.safetensors"), "there is no such LoRA"));
    }

    void namesWhatHasTheWordInItsName() {
        const test::TemporaryFolder folder;
        folder.write("Lora/ink_wash_v2.safetensors", "x");
        folder.write("ControlNet/ink_lines.safetensors", "x");
        QVERIFY(contains(foundIn({folder.path()}, "Ink"), "Did you mean ink_wash_v2?"));
        QVERIFY(contains(foundIn({folder.path()}, "pencil"), "Looked for below"));
        for (const char* end : {"1", "2", "3", "4", "5"})
            folder.write(std::string("Lora/ink") + end + ".safetensors", "x");
        QVERIFY(contains(foundIn({folder.path()}, "ink"), "Looked for below"));
    }

    void looksOnlyIntoFoldersOfCompanionsBesideCheckpoints() {
        const test::TemporaryFolder folder;
        for (const char* name : {"main", "checkpoints", "diffusers", "Stable-diffusion"}) {
            folder.write(std::string(name) + "/model.safetensors", "x");
            folder.write("Documents/own.safetensors", "x");
            folder.write("LoRA/people/style.safetensors", "x");
            folder.write("vae/colours.safetensors", "x");
            folder.write("loras", "a file, not a folder");
            const fs::path root = folder.path() / name;
            QVERIFY(contains(foundIn({root}, "own"), "There is no LoRA 'own'."));
            QVERIFY(contains(foundIn({root}, "style"), "LoRA/people/style.safetensors"));
            QCOMPARE(companionFiles({root}).size(), size_t{3});
        }
    }

    void stopsAfterFiveThousandFolders() {
        const test::TemporaryFolder folder;
        folder.write("a/first.safetensors", "x");
        folder.write("z/last.safetensors", "x");
        for (int i = 0; i < 5'000; ++i)
            fs::create_directory(folder.path() / ("b" + std::to_string(i)));
        const auto found = companionFiles({folder.path()});
        QCOMPARE(found.size(), size_t{1});
        QCOMPARE(found.front().path.filename().string(), std::string("first.safetensors"));
    }

    void followsEachLinkOnce() {
        const test::TemporaryFolder folder;
        folder.write("Lora/a.safetensors", "x");
        fs::create_directory_symlink(folder.path(), folder.path() / "Lora/round");
        QCOMPARE(companionFiles({folder.path()}).size(), size_t{1});
    }

    void findsByHash() {
        const test::TemporaryFolder folder;
        folder.write("Lora/a.safetensors", "one");
        const fs::path wanted = folder.write("Lora/b.safetensors", "two");
        const ModelLibrary library({.folders = {folder.path()}, .dataFolder = {}});
        const std::string hash = *library.fileHash(wanted);
        const auto found = library.findCompanionByHash(CompanionKind::Lora, hash);
        QVERIFY(found);
        QCOMPARE(found->string(), wanted.string());
        QVERIFY(
            !library.findCompanionByHash(CompanionKind::Lora, "sha256:" + std::string(64, '0')));
    }

    void namesPlacesOfARequest() {
        pipelines::ImageRequest request;
        request.loras = {"a:0.5", "/x/b.safetensors:1:0"};
        request.vae = "c";
        const auto places = companionPlaces(request);
        QCOMPARE(places.size(), size_t{3});
        QCOMPARE(places[1].name(), std::string("/x/b.safetensors"));
        places[1].rename("b");
        QCOMPARE(request.loras[1], std::string("b:1:0"));
        QCOMPARE(places[2].name(), std::string("c"));
        QCOMPARE(companionName("m/vae/diffusion_pytorch_model.safetensors"), std::string("m"));
    }

    void saysWhatAFileIs() {
        const auto lora = readCompanionInfo(kGolden / "loras/loha.safetensors");
        QVERIFY(lora.has_value());
        QCOMPARE(lora->kind, std::string("LoHa"));
        QCOMPARE(lora->name, std::string("loha"));
        QVERIFY(lora->sizeBytes > 0);
        const auto vae =
            readCompanionInfo(kGolden / "tiny-sd1/vae/diffusion_pytorch_model.safetensors");
        QVERIFY(vae.has_value());
        QCOMPARE(vae->kind, std::string("VAE"));
        for (const char* file : {"taesd_decoder.pth", "diffusion_pytorch_model.safetensors"}) {
            const auto tiny = readCompanionInfo(kGolden / "tiny-autoencoders/taesd" / file);
            QVERIFY(tiny.has_value());
            QCOMPARE(tiny->kind, std::string("TAESD"));
            QVERIFY(companionKindOf(*tiny) == CompanionKind::Vae);
        }
        QVERIFY(!readCompanionInfo(kGolden / "tiny-sd1.safetensors").has_value());
        QVERIFY(!readCompanionInfo(kGolden / "pickles/archive.pt").has_value());
        QVERIFY(!readCompanionInfo(kGolden / "no such file").has_value());
    }
};

QTEST_GUILESS_MAIN(CompanionFilesTest)
#include "companion_files_test.moc"
