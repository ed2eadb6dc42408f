#include "core/engine/embeddings.h"
#include "core/library/open_model.h"
#include "kernels/base/error.h"

#include <QTemporaryDir>
#include <QTest>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::core;
using pipelines::ImageRequest;

namespace {

constexpr int kWidth = 256; // of the starter model's text encoder

void writeEmbedding(const std::filesystem::path& file, int width) {
    const std::string values = std::to_string(width * 4);
    const std::string header = R"({"emb_params":{"dtype":"F32","shape":[1,)" +
                               std::to_string(width) + R"(],"data_offsets":[0,)" + values + "]}}";
    const auto length = static_cast<uint64_t>(header.size());
    std::filesystem::create_directories(file.parent_path());
    std::ofstream out(file, std::ios::binary);
    out.write(reinterpret_cast<const char*>(&length), sizeof length);
    out << header << std::string(static_cast<size_t>(width) * 4, '\0');
}

ImageRequest saying(const std::string& prompt, const std::string& syntax = "auto") {
    ImageRequest request;
    request.prompt = prompt;
    request.promptSyntax = syntax;
    return request;
}

} // namespace

class EmbeddingsTest : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    std::filesystem::path m_files =
        std::filesystem::path(m_folder.path().toStdString()) / "embeddings";
    ModelLibrary m_library{{{m_folder.path().toStdString()}, m_folder.path().toStdString()}};
    pipelines::Model m_model =
        openModel(std::filesystem::path(KINORA_SOURCE_DIR) / "resources/models/starter-image");

    std::vector<std::string> add(ImageRequest& request) {
        return addPromptEmbeddings(request, m_model, m_library);
    }
    std::string pathOf(const char* name) const { return (m_files / name).string(); }

  private slots:
    void initTestCase() {
        writeEmbedding(m_files / "Glow-Up.safetensors", kWidth);
        writeEmbedding(m_files / "gone-bad.safetensors", kWidth);
        writeEmbedding(m_files / "wide.safetensors", 3 * kWidth);
    }

    void takesTheWordsThatNameFiles() {
        ImageRequest request = saying("an apple, glow-up");
        request.negative = "Gone-Bad";
        QVERIFY(add(request).empty());
        std::ranges::sort(request.embeddings);
        QVERIFY((request.embeddings ==
                 std::vector{pathOf("Glow-Up.safetensors"), pathOf("gone-bad.safetensors")}));
        QCOMPARE(request.promptEmbeddings, std::string("off")); // whatever files come later
    }

    void leavesTextThatNamesNone() {
        ImageRequest request = saying("an apple that glows up");
        QVERIFY(add(request).empty());
        QVERIFY(request.embeddings.empty());
        QCOMPARE(request.promptEmbeddings, std::string("off"));
    }

    void takesNoneWhereTheyAreOff() {
        ImageRequest request = saying("an apple, glow-up");
        request.promptEmbeddings = "off";
        QVERIFY(add(request).empty());
        QVERIFY(request.embeddings.empty());
    }

    void takesNoneTwice() {
        ImageRequest request = saying("an apple, glow-up");
        request.embeddings = {"/elsewhere/other.pt:GLOW-UP"};
        QVERIFY(add(request).empty());
        QCOMPARE(request.embeddings.size(), size_t{1});
    }

    void saysWhatDoesNotFit() {
        ImageRequest request = saying("a wide apple");
        const auto warnings = add(request);
        QCOMPARE(warnings.size(), size_t{1});
        QVERIFY2(warnings[0].starts_with("The prompt's wide stays text: "), warnings[0].c_str());
        QVERIFY(request.embeddings.empty());
    }

    void leavesOtherLanguagesTheirText() {
        for (const char* syntax : {"plain", "a1111", "auto"}) {
            ImageRequest request =
                saying("an apple (red:1e308)", syntax); // no weight but in Comfy's
            QVERIFY(add(request).empty());
        }
        ImageRequest request = saying("an apple (red:1e308)", "comfy");
        QVERIFY_THROWS_EXCEPTION(Error, add(request));
    }

    void readsComfysLanguage() {
        ImageRequest request = saying("an apple, (embedding:glow-up:1.2), wide", "comfy");
        QVERIFY(add(request).empty());
        QCOMPARE(request.embeddings.size(), size_t{1});
        QVERIFY2(request.embeddings[0].find("Glow-Up.safetensors") != std::string::npos,
                 request.embeddings[0].c_str());
        request = saying("an apple, embedding:nowhere", "comfy");
        QVERIFY_THROWS_EXCEPTION(Error, add(request)); // there a name has to be here
    }
};

QTEST_APPLESS_MAIN(EmbeddingsTest)
#include "embeddings_test.moc"
