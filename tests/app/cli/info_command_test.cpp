#include "tests/app/cli/program_run.h"

#include <QCryptographicHash>
#include <QTest>

#include <sys/stat.h>

using namespace kinora::app;

namespace {

const QString kStarter = QStringLiteral(KINORA_SOURCE_DIR "/resources/models/starter-image");

void write(const Home& home, const QString& name, const QByteArray& bytes) {
    QFile file(home.path(name));
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(bytes);
}

} // namespace

class InfoCommandTest : public QObject {
    Q_OBJECT

  private slots:
    void tellsHowAPictureWasMade() {
        const Home home;
        QCOMPARE(home.run({"image", "--prompt", "a \x1b fox", "--negative", "blur", "--steps", "1",
                           "--seed", "9", "--output", "a.png"})
                     .code,
                 0);
        const Run text = home.run({"info", "a.png"});
        QVERIFY2(text.code == 0, text.err.constData());
        for (const char* part : {"128 x 128", "Kinora", "fox", "blur", "9"})
            QVERIFY2(text.out.contains(part), text.out.constData());
        QCOMPARE(text.out.count("\nModel  "), 1);
        QVERIFY(!text.out.contains('\x1b'));
        const Run json = home.run({"info", "a.png", "--json"});
        QCOMPARE(json.schemaBreach(), QString());
        const auto info = json.event("info");
        QCOMPARE(info["kind"].get<std::string>(), std::string("picture"));
        QCOMPARE(info["request"]["seed"].get<int>(), 9);
        QCOMPARE(info["request"]["steps"].get<int>(), 1);
    }

    void tellsWhichPictureItBeganFrom() {
        const Home home;
        const QStringList image{"image", "--prompt", "fox", "--steps", "2"};
        QCOMPARE(home.run(image + QStringList{"--output", "a.png"}).code, 0);
        QVERIFY(!home.run({"info", "a.png"}).out.contains("Began from"));
        QCOMPARE(home.run(image + QStringList{"--init", "a.png", "--output", "b.png"}).code, 0);
        const Run info = home.run({"info", "b.png"});
        QFile file(home.path("a.png"));
        QVERIFY(file.open(QIODevice::ReadOnly));
        const QByteArray hash =
            QCryptographicHash::hash(file.readAll(), QCryptographicHash::Sha256).toHex();
        QVERIFY2(info.out.contains("Began from"), info.out.constData());
        QVERIFY2(info.out.contains(hash), info.out.constData());
    }

    void tellsOfAModelFolder() {
        const Home home;
        const Run json = home.run({"info", kStarter, "--json"});
        QVERIFY2(json.code == 0, json.err.constData());
        QCOMPARE(json.schemaBreach(), QString());
        QCOMPARE(json.event("info")["kind"].get<std::string>(), std::string("model"));
        QCOMPARE(json.event("info")["model"]["name"].get<std::string>(),
                 std::string("starter-image"));
        QVERIFY(home.run({"info", kStarter}).out.contains("StableDiffusionPipeline"));
    }

    void tellsOfWeights() {
        const Home home;
        const QString file = kStarter + "/unet/diffusion_pytorch_model.safetensors";
        const Run json = home.run({"info", file, "--json"});
        QVERIFY2(json.code == 0, json.err.constData());
        QCOMPARE(json.schemaBreach(), QString());
        const auto info = json.event("info");
        QCOMPARE(info["architecture"].get<std::string>(), std::string("UNet2DConditionModel"));
        QVERIFY(info["parameters"].get<int64_t>() > 1'000'000);
        QVERIFY(info["tensors"].size() > 100);
        QVERIFY(home.run({"info", file}).out.contains("conv_in.weight"));
    }

    void saysWhatAFileIsUsedAs_data() {
        QTest::addColumn<QString>("file");
        QTest::addColumn<QByteArray>("used"); // empty: it is nothing beside a model
        const QString golden = QStringLiteral(KINORA_SOURCE_DIR "/tests/golden/data/");
        const auto row = [&](const char* file, const char* used) {
            QTest::newRow(file) << golden + file << QByteArray(used);
        };
        row("upscalers/esrgan-x4.pth", "upscaler (4x, ESRGAN)");
        row("upscalers/compact-x2.safetensors", "upscaler (2x, Real-ESRGAN compact)");
        row("tiny-autoencoders/taesd/taesd_decoder.pth", "TAESD");
        row("tiny-autoencoders/taesd/diffusion_pytorch_model.safetensors", "TAESD");
        row("tiny-sd1/vae/diffusion_pytorch_model.safetensors", "VAE");
        row("ip_adapters/base.safetensors", "IP-Adapter");
        row("ip_adapters/plus.bin", "IP-Adapter");
        row("loras/kohya.safetensors", "LoRA");
        row("loras/loha.safetensors", "LoHa");
        row("tiny-sd1.safetensors", "");
        row("tiny-sd1/unet/diffusion_pytorch_model.safetensors", "");
    }
    void saysWhatAFileIsUsedAs() {
        QFETCH(QString, file);
        QFETCH(QByteArray, used);
        const Home home;
        const Run text = home.run({"info", file});
        QVERIFY2(text.code == 0, text.err.constData());
        QVERIFY2(used.isEmpty() ? !text.out.contains("Used as") : text.out.contains(used),
                 text.out.left(400).constData());
        QVERIFY2(used.isEmpty() || !text.out.contains("not known"), text.out.left(400).constData());
        const Run json = home.run({"info", file, "--json"});
        QCOMPARE(json.schemaBreach(), QString());
        QCOMPARE(json.event("info").contains("companion"), !used.isEmpty());
    }

    void refusesWhatItDoesNotKnow_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QString>("name");
        QTest::newRow("empty") << QByteArray() << "x.png";
        QTest::newRow("text") << QByteArray("hello") << "x.txt";
        QTest::newRow("not png") << QByteArray("hello") << "x.png";
        QTest::newRow("cut png") << QByteArray("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16) << "x.png";
        QTest::newRow("short weights") << QByteArray("abc") << "x.safetensors";
        QTest::newRow("long header")
            << QByteArray("\xff\xff\xff\xff\0\0\0\0{}", 10) << "x.safetensors";
        QTest::newRow("bad header") << QByteArray("\2\0\0\0\0\0\0\0{]", 10) << "x.safetensors";
    }
    void refusesWhatItDoesNotKnow() {
        QFETCH(QByteArray, bytes);
        QFETCH(QString, name);
        const Home home;
        write(home, name, bytes);
        const Run run = home.run({"info", name});
        QCOMPARE(run.code, 2);
        QVERIFY2(run.err.contains(name.toUtf8()), run.err.constData());
        QCOMPARE(run.out, QByteArray());
    }

    void saysWhatIsWrong_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QByteArray>("sentence");
        const QByteArray zeros(200, '\0');
        const auto row = [](const char* name, const QByteArray& bytes, const char* sentence) {
            QTest::newRow(name) << name << bytes
                                << QByteArray("kinora: ") + name + ": " + sentence + "\n";
        };
        row("a.bmp", "BM" + zeros, "is damaged, or not a BMP picture.");
        row("a.gif", "GIF89a" + zeros, "is damaged, or not a GIF picture.");
        row("a.tiff", QByteArray("II*\0\x08\0\0\0", 8) + zeros,
            "is damaged, or not a TIFF picture.");
        row("a.exr", "\x76\x2f\x31\x01" + zeros, "is damaged, or not an EXR picture.");
        row("a.avif",
            QByteArray("\0\0\0\x20"
                       "ftypavif",
                       12) +
                zeros,
            "is damaged, or not an AVIF picture.");
        row("a.webp", QByteArray("RIFF\x40\0\0\0WEBPVP8 ", 16) + zeros,
            "is damaged, or not a WebP picture.");
        row("a.jpg", "\xff\xd8\xff\xe0" + zeros, "is damaged, or not a JPEG picture.");
        row("a.ckpt", "PK\x03\x04" + zeros, "the zip archive has no directory: it was cut short.");
        row("a.pth", "x",
            "has 1 bytes, fewer than a safetensors header: the download was cut short.");
        row("hostile.bin",
            QByteArray("\x80\x02"
                       "cos\nsystem\n(X\x04\0\0\0true"
                       "tR.",
                       29),
            "the pickle in it asks for \"os.system\", which has no place among tensors and could "
            "run "
            "code. None of it was run.");
        row("a.gguf", "GGUF" + zeros,
            "is a GGUF file, which holds quantised weights and is not read.");
        row("lfs.safetensors", "version https://git-lfs.github.com/spec/v1\n",
            "is a Git LFS pointer, not the file itself.");
        row("empty.png", "", "is empty.");
    }
    void saysWhatIsWrong() {
        QFETCH(QString, name);
        QFETCH(QByteArray, bytes);
        QFETCH(QByteArray, sentence);
        const Home home;
        write(home, name, bytes);
        const Run run = home.run({"info", name});
        QCOMPARE(run.code, 2);
        QVERIFY2(run.err.startsWith(sentence), run.err.constData());
    }

    void refusesDevicesFoldersAndNothing_data() {
        QTest::addColumn<QString>("name");
        QTest::addColumn<QByteArray>("part");
        QTest::newRow("device") << "/dev/zero" << QByteArray("is a pipe or a device");
        QTest::newRow("null") << "/dev/null" << QByteArray("is a pipe or a device");
        QTest::newRow("pipe") << "pipe" << QByteArray("is a pipe or a device");
        QTest::newRow("folder") << "/dev" << QByteArray("a folder");
        QTest::newRow("loop") << "loop" << QByteArray("lead in a circle");
        QTest::newRow("named loop") << "loop.safetensors" << QByteArray("lead in a circle");
        QTest::newRow("nothing") << "nothing.png" << QByteArray("there is no such file");
        QTest::newRow("no weights") << "nothing.safetensors" << QByteArray("there is no such file");
    }
    // For each command that takes a file, and none waits for a pipe's other end.
    void refusesDevicesFoldersAndNothing() {
        QFETCH(QString, name);
        QFETCH(QByteArray, part);
        const Home home;
        QCOMPARE(::mkfifo(home.path("pipe").toUtf8().constData(), 0600), 0);
        for (const char* loop : {"loop", "loop.safetensors"})
            QVERIFY(QFile::link(loop, home.path(loop)));
        for (const QStringList& line :
             {QStringList{"info", name},
              {"verify", name},
              {"image", "--prompt", "x", "--dry-run", "--latents", name}}) {
            const Run run = home.run(line);
            QVERIFY2(run.err.contains(name.toUtf8()), run.err.constData());
            QVERIFY2(run.err.contains(part), run.err.constData());
            QCOMPARE(run.code, 2);
            QCOMPARE(run.out, QByteArray());
        }
        const Run model = home.run({"image", "--prompt", "x", "--dry-run", "--model", name});
        QVERIFY2(model.err.contains(name.toUtf8()), model.err.constData());
        QCOMPARE(model.code, 2);
    }
};

QTEST_GUILESS_MAIN(InfoCommandTest)
#include "info_command_test.moc"
