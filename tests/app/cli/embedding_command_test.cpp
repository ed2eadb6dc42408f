// A picture with textual inversions, from the shell to verify: the real program.

#include "tests/app/cli/program_run.h"

#include <QDir>
#include <QFile>
#include <QTest>

#include <string>
#include <utility>
#include <vector>

using namespace kinora::app;

namespace {

const QString kGolden = QStringLiteral(KINORA_SOURCE_DIR "/tests/golden/data/");

// Two vectors of the starter model's width, all of one value.
void writeEmbedding(const Home& home, const QString& name, float value, int width = 256) {
    const std::string values = std::to_string(2 * width * 4);
    const std::string header = R"({"emb_params":{"dtype":"F32","shape":[2,)" +
                               std::to_string(width) + R"(],"data_offsets":[0,)" + values + "]}}";
    const auto length = static_cast<uint64_t>(header.size());
    const std::vector<float> vectors(static_cast<size_t>(2 * width), value);
    QByteArray bytes(reinterpret_cast<const char*>(&length), sizeof length);
    bytes += QByteArray::fromStdString(header);
    bytes += QByteArray(reinterpret_cast<const char*>(vectors.data()),
                        static_cast<qsizetype>(vectors.size() * sizeof(float)));
    const QString path = home.path(name);
    QVERIFY(QDir().mkpath(QFileInfo(path).path()));
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    QCOMPARE(file.write(bytes), bytes.size());
}

QStringList image(const QString& output, const QString& prompt, const QStringList& more = {}) {
    return QStringList{"--models", "models", "image", "--prompt", prompt, "--steps",
                       "2",        "--seed", "3",     "--output", output} +
           more;
}

} // namespace

class EmbeddingCommandTest : public QObject {
    Q_OBJECT

  private slots:
    void initTestCase() {
        writeEmbedding(m_home, "models/embeddings/Glow-Up.safetensors", 0.3F);
        writeEmbedding(m_home, "models/embeddings/wide.safetensors", 0.3F, 768);
        for (const auto& [output, line] :
             {std::pair{"named.png", image("named.png", "an apple, glow-up")},
              {"text.png", image("text.png", "an apple, glow-up", {"--prompt-embeddings", "off"})},
              {"comfy.png",
               image("comfy.png", "an apple, embedding:glow-up", {"--prompt-syntax", "comfy"})},
              {"bracket.png", image("bracket.png", "an apple, (embedding:glow-up:1.0)",
                                    {"--prompt-syntax", "comfy"})},
              {"given.png",
               image("given.png", "an apple, shine", {"--embedding", "glow-up:shine"})}}) {
            const Run run = m_home.run(line);
            QVERIFY2(run.code == 0, run.err.constData());
            QVERIFY(QFile::exists(m_home.path(output)));
        }
    }

    void isTakenFromThePrompt() {
        QVERIFY(pixels("named.png") != pixels("text.png"));
        QCOMPARE(pixels("comfy.png"), pixels("named.png"));
        QCOMPARE(pixels("bracket.png"), pixels("named.png"));
        QCOMPARE(pixels("given.png"), pixels("named.png"));
    }

    void isNamedInThePictureWithoutAPath() {
        const auto made = provenance("named.png");
        QCOMPARE(made["request"]["embedding"][0].get<std::string>(), std::string("Glow-Up"));
        QCOMPARE(made["request"]["promptEmbeddings"].get<std::string>(), std::string("off"));
        QCOMPARE(made["files"][0]["name"].get<std::string>(), std::string("Glow-Up"));
        QVERIFY(made["files"][0]["hash"].get<std::string>().starts_with("sha256:"));
        QCOMPARE(provenance("given.png")["request"]["embedding"][0].get<std::string>(),
                 std::string("Glow-Up:shine"));
        QVERIFY(!provenance("text.png").contains("files"));
    }

    void isFoundByVerifyWhateverItIsCalled() {
        const QString own = m_home.path("models/embeddings/Glow-Up.safetensors"),
                      other = m_home.path("models/embeddings/apple.safetensors");
        QVERIFY(QFile::rename(own, other));
        const Run run = m_home.run(
            {"--models", "models", "verify", "named.png", "text.png", "comfy.png", "given.png"});
        QCOMPARE(run.out, QByteArray("named.png: same\ntext.png: same\ncomfy.png: same\n"
                                     "given.png: same\n"));
        QVERIFY(QFile::rename(other, own));
        const Run without = m_home.run({"verify", "named.png"});
        QCOMPARE(without.code, 2);
        QVERIFY2(without.err.contains("its embedding, Glow-Up (sha256:"), without.err.constData());
    }

    void isListed() {
        const Run run = m_home.run({"--models", "models", "models", "--json"});
        QCOMPARE(run.schemaBreach(), QString());
        const auto files = run.event("models")["companions"];
        QCOMPARE(files.size(), size_t{2});
        QCOMPARE(files[1]["name"].get<std::string>(), std::string("wide"));
        QCOMPARE(files[1]["kind"].get<std::string>(), std::string("embedding"));
        QCOMPARE(files[1]["family"].get<std::string>(), std::string("Stable Diffusion 1.x"));
    }

    void ofAnotherFamilyIsTextWhereTheListDoesNotAskForIt() {
        const Run run = m_home.run(image("wide.png", "a wide apple"));
        QVERIFY2(run.code == 0, run.err.constData());
        QVERIFY2(run.err.contains("The prompt's wide stays text: wide.safetensors: was made for "
                                  "Stable Diffusion 1.x"),
                 run.err.constData());
        QVERIFY(!provenance("wide.png").contains("files"));
    }

    // What does not count, and why: nothing of it is an error.
    void saysWhichEmbeddingsDoNotCount_data() {
        QTest::addColumn<QString>("prompt");
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<QByteArray>("part");
        QTest::newRow("not named") << "an apple" << QStringList{"--embedding", "glow-up:shine"}
                                   << QByteArray("its word, 'shine', is in neither prompt");
        QTest::newRow("named twice")
            << "shine"
            << QStringList{"--embedding", "glow-up:shine", "--embedding", "Glow-Up:SHINE"}
            << QByteArray("Two embeddings are called 'SHINE'");
        QTest::newRow("ComfyUI's name elsewhere")
            << "an apple, embedding:nope" << QStringList{} << QByteArray("--prompt-syntax comfy");
        QTest::newRow("as many as one likes") << "an apple, twin" << QStringList{}
                                              << QByteArray("Several embeddings are called 'twin'");
    }
    void saysWhichEmbeddingsDoNotCount() {
        QFETCH(QString, prompt);
        QFETCH(QStringList, options);
        QFETCH(QByteArray, part);
        writeEmbedding(m_home, "models/embeddings/twin.safetensors", 0.3F);
        writeEmbedding(m_home, "models/embeddings/other/twin.safetensors", 0.4F);
        const Run run = m_home.run(image("idle.png", prompt, options + QStringList{"--overwrite"}));
        QVERIFY2(run.code == 0, run.err.constData());
        QVERIFY2(run.err.contains(part), run.err.constData());
        QVERIFY(QDir(m_home.path("models/embeddings/other")).removeRecursively());
        QVERIFY(QFile::remove(m_home.path("models/embeddings/twin.safetensors")));
    }

    // What kinora models lists with its word is found by it, in whatever folder it lies.
    void isFoundInAnyFolder() {
        writeEmbedding(m_home, "models/Sorted/shimmer.safetensors", 0.3F);
        QVERIFY(QFile::copy(kGolden + "loras/kohya.safetensors",
                            m_home.path("models/Sorted/apple.safetensors")));
        const Run run = m_home.run(image("sorted.png", "an apple, shimmer"));
        QVERIFY2(run.code == 0, run.err.constData());
        QVERIFY2(!run.err.contains("stays text"), run.err.constData());
        const auto files = provenance("sorted.png")["files"];
        QCOMPARE(files.size(), size_t{1});
        QCOMPARE(files[0]["name"].get<std::string>(), std::string("shimmer"));
        QCOMPARE(m_home.run({"--models", "models", "verify", "sorted.png"}).out,
                 QByteArray("sorted.png: same\n"));
        QVERIFY(QDir(m_home.path("models/Sorted")).removeRecursively());
    }

    void refuses_data() {
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<QByteArray>("part");
        QTest::newRow("unknown") << QStringList{"--embedding", "nothing"}
                                 << QByteArray("There is no embedding 'nothing'.");
        QTest::newRow("no word") << QStringList{"--embedding", "glow-up:"}
                                 << QByteArray("'glow-up:'");
        QTest::newRow("other model") << QStringList{"--embedding", "wide"}
                                     << QByteArray("was made for Stable Diffusion 1.x");
        QTest::newRow("no embedding")
            << QStringList{"--embedding", kGolden + "tiny-sd1.safetensors"}
            << QByteArray("is no textual inversion");
        QTest::newRow("ComfyUI's name")
            << QStringList{"--negative", "embedding:none", "--prompt-syntax", "comfy"}
            << QByteArray("There is no embedding 'none'.");
        QTest::newRow("a weight without brackets")
            << QStringList{"--negative", "embedding:glow-up:1.2", "--prompt-syntax", "comfy"}
            << QByteArray("(embedding:NAME:1.2)");
    }
    void refuses() {
        QFETCH(QStringList, options);
        QFETCH(QByteArray, part);
        const Run run = m_home.run(image("refused.png", "an apple", options));
        QCOMPARE(run.code, 2);
        QVERIFY2(run.err.contains(part), run.err.constData());
        QVERIFY(!QFile::exists(m_home.path("refused.png")));
    }

  private:
    nlohmann::json provenance(const QString& name) {
        return m_home.run({"info", name, "--json"}).event("info")["provenance"];
    }
    std::string pixels(const QString& name) {
        return provenance(name)["outputHash"].get<std::string>();
    }

    Home m_home;
};

QTEST_GUILESS_MAIN(EmbeddingCommandTest)
#include "embedding_command_test.moc"
