#include "core/media/provenance.h"
#include "tests/core/media/media_samples.h"

#include <QTest>
#include <nlohmann/json.hpp>

using namespace kinora;
using namespace kinora::core;
using nlohmann::json;

class ProvenanceTest : public QObject {
    Q_OBJECT

    static json good() {
        Provenance made = samples::provenance("a red apple");
        made.outputHash = "sha256:" + std::string(64, '0');
        return toJson(made);
    }

  private slots:
    void survivesTheWayThere() {
        Provenance made = samples::provenance("caf\xC3\xA9");
        made.latentsHash = "sha256:" + std::string(64, '1');
        made.latentsIndex = 7;
        made.initHash = "sha256:" + std::string(64, '2');
        made.maskHash = "sha256:" + std::string(64, '3');
        made.request.pasteBack = "on";
        made.controlHashes = {made.initHash, made.maskHash};
        made.adapterHashes = {made.maskHash};
        const core::UsedFile upscaler{"4x", "sha256:" + std::string(64, '4')};
        made.enlargements = {{upscaler, 4, "bf16", 256, ""}, {upscaler, 2, "f32", 128, "webp"}};
        const Result<Provenance> read = provenanceFromJson(toJson(made));
        QVERIFY2(read, read ? "" : read.error().what());
        QVERIFY(read->enlargements == made.enlargements);
        QCOMPARE(toJson(*read).dump(), toJson(made).dump());
        QCOMPARE(*read->request.seed, *made.request.seed);
        QCOMPARE(read->request.model, made.modelName);
        QCOMPARE(read->latentsIndex, 7);
        QCOMPARE(read->initHash, made.initHash);
        QCOMPARE(read->maskHash, made.maskHash);
        QVERIFY(read->controlHashes == made.controlHashes);
        QVERIFY(read->adapterHashes == made.adapterHashes);
    }

    // Pictures from before there was a choice.
    void withoutAWordNothingWasPastedBack() {
        Provenance made = samples::provenance("x");
        QVERIFY(!provenanceFromJson(toJson(made))->request.pasteBack);
        made.maskHash = "sha256:" + std::string(64, '3');
        QCOMPARE(provenanceFromJson(toJson(made))->request.pasteBack.value_or(""),
                 std::string("off"));
        made.maskHash.clear();
        made.request.outpaint = "8,0,0,0";
        QCOMPARE(provenanceFromJson(toJson(made))->request.pasteBack.value_or(""),
                 std::string("off"));
    }

    void holdsNoPathsAndNothingOfTheRun() {
        Provenance made = samples::provenance("x");
        made.request.model = "/home/somebody/models/secret";
        made.request.latentsPath = "/home/somebody/noise.safetensors";
        made.request.saveLatentsPath = "/home/somebody/out.safetensors";
        made.request.latentsIndex = 3;
        made.request.initPath = "/home/somebody/start.png";
        made.request.maskPath = "/home/somebody/mask.png";
        made.request.controlImages = {"/home/somebody/edges.png"};
        made.request.adapterImages = {"/home/somebody/sketch.png"};
        made.request.previewEvery = 3;
        const std::string text = toJson(made).dump();
        QVERIFY(text.find("somebody") == std::string::npos);
        QVERIFY(text.find("preview") == std::string::npos);
    }

    void refusesWhatIsWrong_data() {
        QTest::addColumn<std::string>("pointer");
        QTest::addColumn<std::string>("value"); // JSON; empty: the field is taken away
        const auto row = [](const char* pointer, const std::string& value) {
            QTest::addRow("%s = %s", pointer, value.substr(0, 30).c_str())
                << std::string(pointer) << value;
        };
        for (const char* field :
             {"/format", "/engine", "/model", "/model/name", "/model/hash", "/plan", "/plan/device",
              "/plan/threads", "/plan/batch", "/plan/precision", "/request", "/outputHash"}) {
            row(field, "");
            row(field, "null");
            row(field, "[]");
        }
        row("/format", "\"kinora\"");
        row("/extra", "1");
        row("/model/extra", "1");
        row("/plan/extra", "1");
        row("/model/hash", "\"sha256:short\"");
        row("/model/hash", "\"sha256:" + std::string(64, 'G') + "\"");
        row("/model/name", "\"" + std::string(5000, 'n') + "\"");
        row("/plan/threads", "-1");
        row("/plan/threads", "18446744073709551615");
        row("/plan/threads", "2.5");
        row("/plan/batch", "0");
        row("/latentsHash", "\"sha256:1\"");
        row("/latentsIndex", "-1");
        row("/initHash", "\"sha256:1\"");
        row("/maskHash", "7");
        row("/controlHashes", "\"sha256:1\"");
        row("/controlHashes", "[\"\"]");
        row("/adapterHashes", "[7]");
        row("/request/controlImage", "[\"/etc/passwd\"]");
        row("/request/control", "[\"a:1:2:3\"]");
        row("/request/init", "\"/etc/passwd\"");
        row("/request/strength", "1.5");
        row("/request/unknown", "1");
        row("/request/steps", "0");
        row("/request/steps", "\"24\"");
        row("/request/cfg", "1e300");
        row("/request/seed", "-1");
        row("/request/device", "\"cpu\"");
        row("/request/latents", "\"/etc/passwd\"");
    }
    void refusesWhatIsWrong() {
        QFETCH(std::string, pointer);
        QFETCH(std::string, value);
        json object = good();
        QVERIFY(provenanceFromJson(object));
        const json::json_pointer at(pointer);
        if (value.empty()) {
            object[at.parent_pointer()].erase(at.back());
        } else {
            object[at] = json::parse(value);
        }
        const Result<Provenance> read = provenanceFromJson(object);
        QVERIFY(!read);
        QCOMPARE(read.error().code(), ErrorCode::BadFile);
        QVERIFY(!provenanceFromJson(json::array()));
    }

    void saysWhenAFileIsOfALaterVersion() {
        json object = good();
        object["format"] = "kinora/2";
        QCOMPARE(provenanceFromJson(object).error().code(), ErrorCode::Unsupported);
    }
};

QTEST_GUILESS_MAIN(ProvenanceTest)
#include "provenance_test.moc"
