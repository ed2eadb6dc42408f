#include "core/engine/checkpoint.h"
#include "tests/support/checkpoint_bytes.h"
#include "tests/support/checkpoint_sample.h"

#include <QElapsedTimer>
#include <QTest>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

using namespace kinora;
using namespace kinora::core;
using nlohmann::json;

namespace {

constexpr size_t kHeadBytes = 88;

// The two parts behind the head.
json jsonOf(const std::vector<std::byte>& bytes) {
    uint32_t size = 0;
    std::memcpy(&size, bytes.data() + 12, sizeof size);
    const auto* text = reinterpret_cast<const char*>(bytes.data()) + kHeadBytes;
    return json::parse(text, text + size);
}
std::vector<std::byte> valuesOf(const std::vector<std::byte>& bytes) {
    uint32_t size = 0;
    std::memcpy(&size, bytes.data() + 12, sizeof size);
    return {bytes.begin() + kHeadBytes + size, bytes.end()};
}

std::string refusal(std::span<const std::byte> bytes) {
    const Result<Checkpoint> read = checkpointFromBytes(bytes);
    return read ? std::string() : read.error().message();
}

} // namespace

class CheckpointTest : public QObject {
    Q_OBJECT

  private slots:
    void comesBackAsItWas() {
        for (const bool left : {false, true}) {
            Checkpoint checkpoint = test::sampleCheckpoint();
            checkpoint.left = left;
            const auto bytes = toBytes(checkpoint);
            const Result<Checkpoint> read = checkpointFromBytes(bytes);
            QVERIFY2(read.ok(), refusal(bytes).c_str());
            QVERIFY(*read == checkpoint);
            QVERIFY(
                std::signbit(read->state.run->latents.values[1])); // -0 == 0, and is not the same
            QVERIFY(toBytes(*read) == bytes);
        }
        QVERIFY(checkpointFromBytes(toBytes({})).ok()); // nothing in any field
    }

    void aPassThatBeginsHasNoRun() {
        Checkpoint checkpoint = test::sampleCheckpoint();
        checkpoint.state.run.reset();
        const Result<Checkpoint> read = checkpointFromBytes(toBytes(checkpoint));
        QVERIFY(read.ok());
        QVERIFY(*read == checkpoint);
    }

    void handMadeBytesAreReadToo() { // so that the tests below fail for their own reasons
        const auto bytes = toBytes(test::sampleCheckpoint());
        QVERIFY(test::sealedCheckpoint(jsonOf(bytes).dump(), valuesOf(bytes)) == bytes);
    }

    void everyByteCounts() {
        const auto bytes = toBytes(test::sampleCheckpoint());
        for (size_t i = 0; i < bytes.size(); ++i) {
            auto bad = bytes;
            bad[i] ^= std::byte{1};
            QVERIFY2(!refusal(bad).empty(), std::to_string(i).c_str());
        }
    }

    void everyLengthButItsOwnIsRefused() {
        const auto bytes = toBytes(test::sampleCheckpoint());
        for (size_t size = 0; size < bytes.size(); ++size)
            QCOMPARE(refusal(std::span(bytes).first(size)),
                     std::string("what was kept is damaged: it is cut short"));
        auto longer = bytes;
        longer.push_back({});
        QVERIFY(!refusal(longer).empty());
    }

    void saysWhatItIsNot() {
        const std::string foreign(200, 'x');
        QCOMPARE(refusal(std::as_bytes(std::span(foreign))),
                 std::string("what was kept is damaged: it is no checkpoint"));
        const auto bytes = toBytes(test::sampleCheckpoint());
        const Result<Checkpoint> newer =
            checkpointFromBytes(test::sealedCheckpoint(jsonOf(bytes).dump(), valuesOf(bytes), 3));
        QCOMPARE(newer.error().code(), ErrorCode::Unsupported);
        QCOMPARE(newer.error().message(),
                 std::string("what was kept is in format 3, and this version reads format 2"));
    }

    // The hash agrees, and what it covers is wrong all the same.
    void believesNoField_data() {
        QTest::addColumn<QString>("field");
        QTest::addColumn<QString>("value");
        QTest::addColumn<QString>("words");
        const auto row = [](const char* field, const char* value, const char* words) {
            QTest::addRow("%s %s", field, value) << field << value << words;
        };
        for (const char* field :
             {"first", "pictures", "calls", "stepsTaken", "threads", "round", "pass"}) {
            row(field, "-1", "is out of range");
            row(field, "18446744073709551615", "is out of range");
            row(field, "1.5", "is not a whole number");
            row(field, "\"1\"", "is not a whole number");
        }
        row("threads", "2147483648", "is out of range");
        for (const char* field : {"request", "engine", "device", "precision", "model"}) {
            row(field, "7", "is not a text");
            row(field, "\"a\\u0000b\"", "not plain text");
            row(field, "\"a\\u001b[31mb\"", "not plain text");
        }
        row("left", "0", "neither true nor false");
        row("passBegins", "0", "neither true nor false");
        row("passBegins", "true", "how far it is stands there too");
        for (const char* field : {"taken", "handed"}) {
            row(field, "{}", "is not a list");
            row(field, "[4]", "is not an object");
            row(field, "[{}]", "first is missing");
            row(field, R"([{"first":-1}])", "is out of range");
            row(field, R"([{"first":0,"latents":[9,9,9],"noise":[]}])", "are not all there");
            row(field, R"([{"first":0,"latents":null,"noise":7}])", "noise is not a list");
            row(field, R"([{"first":0,"latents":null,"noise":[1099511627776]}])",
                "the noise are not all there");
        }
        row("picture", "[1,1,4]", "are not all there");
        row("picture", "null", "it is longer than it says");
        row("latents", "[2,1,2,2]", "are not all there");
        row("latents", "[4611686018427387904,4611686018427387904]", "is out of range");
        row("latents", "[1099511627776,1099511627776,1099511627776]", "are not all there");
        row("latents", "[0,1]", "are not all there");
        row("latents", "[-1]", "is out of range");
        row("latents", "[1,1,1,1,1,1,1]", "have no shape");
        row("latents", "4", "have no shape");
        row("latents", "[2,1,1,1]", "it is longer than it says");
        row("history", "4", "is not a list");
        row("history", "[[2,1,2,1],[2,1,2,1],[9]]", "are not all there");
        row("noise", "[3,1099511627776]", "are not all there");
        row("noise", "[[3],1]", "is not a whole number");
        row("finalLatents", "null", "it is longer than it says");
    }
    void believesNoField() {
        QFETCH(QString, field);
        QFETCH(QString, value);
        QFETCH(QString, words);
        const auto bytes = toBytes(test::sampleCheckpoint());
        json changed = jsonOf(bytes);
        changed[field.toStdString()] = json::parse(value.toStdString());
        const std::string found = refusal(test::sealedCheckpoint(changed.dump(), valuesOf(bytes)));
        QVERIFY2(found.find(words.toStdString()) != std::string::npos, found.c_str());
        changed.erase(field.toStdString());
        QCOMPARE(refusal(test::sealedCheckpoint(changed.dump(), valuesOf(bytes))),
                 "what was kept is damaged: " + field.toStdString() + " is missing");
    }

    void believesNoJson() {
        const auto sealed = [](const std::string& text) {
            return refusal(test::sealedCheckpoint(text, {}));
        };
        QVERIFY(sealed("[]").find("not an object") != std::string::npos);
        QVERIFY(sealed("{").find("malformed") != std::string::npos);
        QVERIFY(sealed(std::string(100000, '[')).find("deeper") != std::string::npos);
        std::string name("{\"engine\":\"\xff\"}");
        QVERIFY(!sealed(name).empty());
    }

    void goesOnWithTheSameRunOnly_data() {
        QTest::addColumn<std::function<void(RunIdentity&)>>("change");
        QTest::addColumn<QString>("words");
        const auto row = [](const char* words, std::function<void(RunIdentity&)> change) {
            QTest::addRow("%s", words) << std::move(change) << words;
        };
        const auto request = [](const char* name, json value) {
            return [name, value = std::move(value)](RunIdentity& run) {
                json object = json::parse(run.request);
                object[name] = value;
                run.request = object.dump();
            };
        };
        row("", [](RunIdentity&) {});
        row("it was begun by kinora 0.2.0 (def)",
            [](RunIdentity& run) { run.engineVersion = "kinora 0.2.0 (def)"; });
        row("it was begun on Another CPU", [](RunIdentity& run) { run.device = "Another CPU"; });
        row("it was begun in bf16 and would go on in f32",
            [](RunIdentity& run) { run.precision = "bf16"; });
        row("it was begun with 1 thread and would go on with 2",
            [](RunIdentity& run) { run.threads = 1; });
        row("the model's files have changed since it was begun",
            [](RunIdentity& run) { run.model = "9999"; });
        row("the files that it begins from have changed",
            [](RunIdentity& run) { run.inputs = "sha256:00"; });
        row("it was begun for another request: steps was 30 and is 20", request("steps", 30));
        row("it was begun for another request: sampler was \"ddim\" and is \"dpmpp_2m\"",
            request("sampler", "ddim"));
        row("it was begun for another request: the prompt is another",
            request("prompt", std::string(1000, 'x')));
        row("it was begun for another request: it has parameters that this version does not know",
            request("newer", 1));
        row("it was begun for another request: model was not set and is \"\"",
            [](RunIdentity& run) { run.request = std::string(5000, '['); });
    }
    void goesOnWithTheSameRunOnly() {
        QFETCH(std::function<void(RunIdentity&)>, change);
        QFETCH(QString, words);
        const RunIdentity now = test::sampleCheckpoint().run;
        RunIdentity kept = now;
        change(kept);
        QCOMPARE(QString::fromStdString(whyNot(kept, now)), words);
    }

    void knowsTheSeedThatWasDrawn() {
        RunIdentity run = test::sampleCheckpoint().run;
        QCOMPARE(seedOf(run).value(), 5);
        for (const char* text : {"", "[]", "{}", R"({"seed":"5"})", R"({"seed":-1})",
                                 R"({"seed":18446744073709551615})"}) {
            run.request = text;
            QVERIFY2(!seedOf(run), text);
        }
        run.request = R"({"seed":9223372036854775807})";
        QCOMPARE(seedOf(run).value(), std::numeric_limits<int64_t>::max());
    }

    // Stable Diffusion 1.5 at 512 x 512 with the longest history: a step takes seconds there.
    void costsMillisecondsAtFullSize() {
        const kernels::Shape shape{1, 64, 64, 4};
        const pipelines::HostTensor latents{shape, std::vector<float>(64 * 64 * 4, 0.5f)};
        Checkpoint checkpoint = test::sampleCheckpoint();
        checkpoint.state.run->latents = latents;
        checkpoint.state.run->history = {latents, latents, latents};
        checkpoint.state.run->noise = {pipelines::NoiseState(628)};
        std::vector<double> milliseconds;
        for (int i = 0; i < 21; ++i) {
            QElapsedTimer timer;
            timer.start();
            const auto bytes = toBytes(checkpoint);
            milliseconds.push_back(static_cast<double>(timer.nsecsElapsed()) / 1e6);
            QVERIFY(bytes.size() > 4 * 64 * 64 * 4 * sizeof(float));
        }
        std::ranges::sort(milliseconds);
        qInfo("%.2f ms for a checkpoint, at the median of 21", milliseconds[10]);
        QVERIFY2(milliseconds[10] < 20, "more than half a percent of a step of four seconds");
    }

    // Previews, and where latents lie, do not decide a picture.
    void aRequestIsTheSameWhateverElseComesOut() {
        pipelines::ImageRequest request;
        const std::string plain = requestIdentity(request);
        request.previewEvery = 3;
        request.latentsPath = "/there/start.safetensors";
        request.saveLatentsPath = "/here/end.safetensors";
        QCOMPARE(requestIdentity(request), plain);
        request.latentsIndex = 1;
        QVERIFY(requestIdentity(request) != plain);
    }
};

QTEST_APPLESS_MAIN(CheckpointTest)
#include "checkpoint_test.moc"
