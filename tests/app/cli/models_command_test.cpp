#include "pipelines/weights/safetensors_writer.h"
#include "tests/app/cli/program_run.h"

#include <QTest>

#include <map>

using namespace kinora::app;

class ModelsCommandTest : public QObject {
    Q_OBJECT

  private slots:
    void listsTheModelThatCameWithTheProgram() {
        const Home home;
        const Run run = home.run({"models"});
        QCOMPARE(run.code, 0);
        QVERIFY(run.out.startsWith("NAME"));
        QVERIFY(run.out.contains("starter-image"));
        const Run json = home.run({"models", "list", "--json"});
        QCOMPARE(json.schemaBreach(), QString());
        const auto models = json.event("models")["models"];
        QCOMPARE(models.size(), size_t{1});
        QCOMPARE(models[0]["name"].get<std::string>(), std::string("starter-image"));
        QVERIFY(models[0]["builtIn"].get<bool>());
    }

    void showsOneWithItsHashAndDefaults() {
        const Home home;
        const Run json = home.run({"models", "show", "starter-image", "--json"});
        QCOMPARE(json.code, 0);
        QCOMPARE(json.schemaBreach(), QString());
        const auto model = json.event("models")["models"][0];
        QVERIFY(model["hash"].get<std::string>().starts_with("sha256:"));
        QCOMPARE(model["defaults"]["steps"].get<int>(), 24);
        QVERIFY(home.run({"models", "show", "Starter-Image"}).out.contains("sha256:"));
    }

    void namesModelsOfKindsThatAreNotRead() {
        const Home home;
        QVERIFY(!home.run({"models"}).err.contains("does not use"));
        const std::vector<float> zeros(16);
        for (const auto& [file, tensor] : std::map<QString, const char*>{
                 {"flux.safetensors", "model.diffusion_model.double_blocks.0.img_attn.qkv.weight"},
                 {"style.safetensors", "lora_unet_mid.lora_up.weight"}})
            kinora::pipelines::writeSafetensors(
                home.path(file).toStdString(),
                std::vector<kinora::pipelines::NamedValues>{{tensor, {4, 4}, zeros}});
        const QStringList line{"models", "--models", home.path("")};
        const Run run = home.run(line);
        QCOMPARE(run.code, 0);
        QVERIFY2(run.err.contains("1 file among the models is of a kind"), run.err.constData());
        QVERIFY(!run.err.contains("flux"));
        const Run verbose = home.run(line + QStringList{"--verbose"});
        QVERIFY2(verbose.err.contains("flux.safetensors"), verbose.err.constData());
        QVERIFY(!verbose.err.contains("style"));
    }

    void saysWhereTheListOfFoldersIsDamaged() {
        const Home home;
        const QStringList data{"--data", home.path("data")};
        QCOMPARE(home.run(QStringList{"models", "add", home.path("")} + data).code, 0);
        QFile list(home.path("data/model-folders.json"));
        QVERIFY(list.open(QIODevice::ReadWrite) && list.resize(list.size() / 2));
        list.close();
        const Run folders = home.run(QStringList{"models", "folders", "--json"} + data);
        QCOMPARE(folders.code, 2);
        QVERIFY2(folders.err.contains("model-folders.json"), folders.err.constData());
        const Run models = home.run(QStringList{"models"} + data); // goes on without
        QCOMPARE(models.code, 0);
        QVERIFY(models.out.contains("starter-image"));
        QVERIFY2(models.err.contains("model-folders.json"), models.err.constData());
    }

    void remembersFoldersOfModels() {
        const Home home;
        const QString folder = home.path("A1111/models");
        QVERIFY(QDir().mkpath(folder + "/Lora"));
        const QString golden = QString(KINORA_SOURCE_DIR) + "/tests/golden/data/loras/";
        QVERIFY(QFile::copy(golden + "loha.safetensors", folder + "/Lora/ink.safetensors"));
        QCOMPARE(home.run({"models", "folders"}).out, QByteArray());
        const Run added = home.run({"models", "add", folder + "/"});
        QCOMPARE(added.code, 0);
        QCOMPARE(added.out, folder.toUtf8() + "\n");
        QVERIFY2(added.err.contains("0 models and 1 file used beside models"),
                 added.err.constData());
        QVERIFY(home.run({"models"}).out.contains("LoHa"));
        const Run told = home.run({"models", "folders", "--json"});
        QCOMPARE(told.schemaBreach(), QString());
        QCOMPARE(told.event("models")["folders"][0].get<std::string>(), folder.toStdString());
        QCOMPARE(home.run({"models", "remove", folder}).out, QByteArray());
        QVERIFY(!home.run({"models"}).out.contains("LoHa"));
        QCOMPARE(home.run({"models", "remove", folder}).code, 2);
    }

    void showsWhatIsUsedBesideModels() {
        const Home home;
        const QString golden = QString(KINORA_SOURCE_DIR) + "/tests/golden/data/";
        QVERIFY(QDir().mkpath(home.path("Lora")) && QDir().mkpath(home.path("ESRGAN")));
        QVERIFY(QFile::copy(golden + "loras/loha.safetensors", home.path("Lora/Ink.safetensors")));
        QVERIFY(QFile::copy(golden + "upscalers/esrgan-x4.pth", home.path("ESRGAN/4x-Sharp.pth")));
        const QStringList show{"models", "--models", home.path(""), "show"};
        for (const auto& [name, kind] : std::map<QString, const char*>{
                 {"ink", "LoHa"}, {"Ink.safetensors", "LoHa"}, {"4x-sharp", "upscaler"}}) {
            const Run run = home.run(show + QStringList{name, "--json"});
            QVERIFY2(run.code == 0, run.err.constData());
            QCOMPARE(run.schemaBreach(), QString());
            const auto file = run.event("models")["companions"][0];
            QCOMPARE(file["kind"].get<std::string>(), std::string(kind));
            QVERIFY(file["hash"].get<std::string>().starts_with("sha256:"));
        }
        const Run text = home.run(show + QStringList{"ink"});
        QVERIFY2(text.out.contains("LoHa") && !text.out.contains("Problem"), text.out.constData());
    }

    void countsWhatCannotBeUsedApart() {
        const Home home;
        QVERIFY(QDir().mkpath(home.path("Stable-diffusion")));
        QFile half(home.path("Stable-diffusion/half.safetensors"));
        QVERIFY(half.open(QIODevice::WriteOnly) && half.write(QByteArray(2048, 'x')) == 2048);
        half.close();
        const Run added = home.run({"models", "add", home.path("Stable-diffusion")});
        QVERIFY2(added.err.contains("has 0 models") && added.err.contains("cannot be used"),
                 added.err.constData());
        const Run listed = home.run({"models"});
        QVERIFY2(listed.out.contains("unusable") && listed.out.contains("2 KiB"),
                 listed.out.constData());
    }

    void refuses_data() {
        QTest::addColumn<QStringList>("line");
        QTest::addColumn<QByteArray>("part");
        QTest::newRow("no name") << QStringList{"models", "show"} << QByteArray("needs a name");
        QTest::newRow("unknown") << QStringList{"models", "show", "nothing"}
                                 << QByteArray("starter-image");
        QTest::newRow("verb") << QStringList{"models", "lsit"} << QByteArray("Did you mean list?");
        QTest::newRow("no folder") << QStringList{"models", "add"} << QByteArray("needs a folder");
        QTest::newRow("not there")
            << QStringList{"models", "add", "/no/such"} << QByteArray("there is no such folder");
        QTest::newRow("too many") << QStringList{"models", "list", "x"}
                                  << QByteArray("takes no name");
    }
    void refuses() {
        QFETCH(QStringList, line);
        QFETCH(QByteArray, part);
        const Run run = Home().run(line);
        QCOMPARE(run.code, 2);
        QVERIFY2(run.err.contains(part), run.err.constData());
        QCOMPARE(run.out, QByteArray());
    }
};

QTEST_GUILESS_MAIN(ModelsCommandTest)
#include "models_command_test.moc"
