// Finding models: names, folders, links, what is refused, and hashes.

#include "core/library/model_library.h"
#include "pipelines/weights/safetensors_writer.h"

#include <QCryptographicHash>
#include <QTemporaryDir>
#include <QTest>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sys/stat.h>

using namespace kinora;
using namespace kinora::core;
namespace fs = std::filesystem;

class ModelLibraryTest : public QObject {
    Q_OBJECT

    QTemporaryDir m_dir;
    fs::path root() const { return m_dir.path().toStdString(); }
    const fs::path m_starter = fs::path(KINORA_SOURCE_DIR) / "resources/models/starter-image";

    // A copy of the starter model, so that it is a model that opens.
    fs::path copyTo(const fs::path& folder) const {
        fs::create_directories(folder.parent_path());
        fs::copy(m_starter, folder, fs::copy_options::recursive);
        return folder;
    }
    ModelLibrary library(std::vector<fs::path> folders) const {
        return ModelLibrary({std::move(folders), root() / "data"});
    }

    // A file with these tensors, all zeros.
    using Tensors = std::vector<std::pair<std::string, kernels::Shape>>;
    static fs::path writeFile(const fs::path& path, const Tensors& tensors) {
        fs::create_directories(path.parent_path());
        std::vector<std::vector<float>> zeros;
        std::vector<pipelines::NamedValues> values;
        for (const auto& [name, shape] : tensors) zeros.emplace_back(shape.elements());
        for (size_t i = 0; i < tensors.size(); ++i)
            values.push_back({tensors[i].first, tensors[i].second, zeros[i]});
        pipelines::writeSafetensors(path, values);
        return path;
    }
    static Tensors stableDiffusion(int64_t textWidth) {
        const std::string unet = "model.diffusion_model.input_blocks.";
        return {{unet + "0.0.weight", {320, 4, 3, 3}},
                {unet + "1.1.transformer_blocks.0.attn2.to_k.weight", {320, textWidth}}};
    }

  private slots:
    void findsTheStarterModel() {
        QVERIFY(fs::equivalent(builtInModelsFolder() / "starter-image", m_starter));
        const Result<ModelEntry> starter = library({}).find("");
        QVERIFY2(starter, starter ? "" : starter.error().what());
        QCOMPARE(starter->name, std::string("starter-image"));
        QVERIFY2(starter->problem.empty(), starter->problem.c_str());
        QVERIFY(starter->builtIn);
        QCOMPARE(starter->kind, std::string("StableDiffusionPipeline"));
        QCOMPARE(starter->title, std::string("Kinora starter"));
        QVERIFY(starter->sizeBytes > 1'000'000);
        QVERIFY(starter->defaults.steps.has_value());
        QVERIFY(starter->defaults.width.has_value());
    }

    void saysTheFamilyWhereTheDenoiserTellsIt() {
        const fs::path golden = fs::path(KINORA_SOURCE_DIR) / "tests/golden/data";
        QCOMPARE(library({}).find((golden / "tiny-sd1").string())->family, std::string(kOwnFamily));
        const fs::path wide = root() / "wide" / "sd1";
        fs::create_directories(wide.parent_path());
        fs::copy(golden / "tiny-sd1", wide, fs::copy_options::recursive);
        const fs::path config = wide / "unet/config.json";
        std::ifstream in(config);
        auto json = nlohmann::json::parse(in);
        json["cross_attention_dim"] = 768;
        std::ofstream(config) << json;
        QCOMPARE(library({}).find(wide.string())->family, std::string("Stable Diffusion 1.x"));
    }

    void findsNamesWithoutCaseAndPaths() {
        const fs::path models = root() / "named";
        const fs::path model = copyTo(models / "vendor" / "Fancy-v1.5");
        QCOMPARE(library({models}).find("fancy-V1.5")->path, model);
        QCOMPARE(library({models}).find("fancy-V1.5")->builtIn, false);
        QCOMPARE(library({}).find(model.string())->name, std::string("Fancy-v1.5"));
        QCOMPARE(library({}).find(model.string() + "/")->name, std::string("Fancy-v1.5"));
        QVERIFY(library({}).find((model / "model_index.json").string()));
        QVERIFY(!library({}).find("fancy-v1.5"));
    }

    void findsModelsAsOtherProgramsWriteThem_data() {
        QTest::addColumn<std::string>("name");
        QTest::addColumn<bool>("isThere");
        const auto row = [](const char* name, bool isThere) {
            QTest::newRow(name) << std::string(name) << isThere;
        };
        row("Dreamy.V8.safetensors", true);                   // Forge, InvokeAI
        row("dreamy.v8.safetensors [879db523c3]", true);      // A1111
        row("dreamy.v8 [879db523c3]", true);                  // its metadata
        row("SD15/Dreamy.V8.safetensors", true);              // ComfyUI
        row("sd15/dreamy.v8.safetensors [879db523c3]", true); // A1111, of a folder in the folder
        row("other/dreamy.v8.safetensors", false);
        row("d15/dreamy.v8.safetensors", false);
        row("../sd15/dreamy.v8.safetensors", false);
        row("dreamy.v8.safetensors [fine]", false);
        row("dreamy.safetensors", false);
    }
    void findsModelsAsOtherProgramsWriteThem() {
        QFETCH(std::string, name);
        QFETCH(bool, isThere);
        const fs::path models = root() / "written";
        const fs::path file = models / "Stable-diffusion/SD15/Dreamy.V8.safetensors";
        if (!fs::exists(file)) writeFile(file, stableDiffusion(768));
        const Result<ModelEntry> found = library({models}).find(name);
        QCOMPARE(bool(found), isThere);
        if (found) QCOMPARE(found->path, file);
    }

    void listsEachModelOnceWhateverLinksLeadToIt() {
        const fs::path models = root() / "linked";
        copyTo(models / "one");
        fs::create_directory_symlink(models / "one", models / "two");
        fs::create_directory_symlink(models, models / "cycle");
        fs::create_directory_symlink("/nowhere", models / "broken");
        const std::vector<ModelEntry> found = library({models, models}).list();
        const auto count =
            std::ranges::count_if(found, [](const ModelEntry& m) { return !m.builtIn; });
        QCOMPARE(count, 1);
    }

    void looksInNoDepthWithoutEnd() {
        fs::path deep = root() / "deep";
        for (int i = 0; i < 6; ++i) deep /= "folder";
        copyTo(deep);
        const auto found = library({root() / "deep"}).list();
        QVERIFY(std::ranges::all_of(found, [](const ModelEntry& m) { return m.builtIn; }));
    }

    void looksIntoFoldersOfFoldersButNotIntoThoseOfPrograms() {
        const fs::path webui = root() / "shelf/webui";
        const fs::path nested = writeFile(
            webui / "models/Stable-diffusion/SDXL/anime/deep.safetensors", stableDiffusion(768));
        writeFile(webui / "venv/lib/example.safetensors", stableDiffusion(768));
        std::vector<fs::path> found;
        for (const ModelEntry& model : library({root() / "shelf"}).list())
            if (!model.builtIn) found.push_back(model.path);
        QCOMPARE(found, std::vector{nested});
    }

    void thousandsOfLorasHideNoModel() {
        const fs::path models = root() / "thousands";
        fs::create_directories(models / "Lora");
        for (int i = 0; i < 5'001; ++i)
            std::ofstream(models / "Lora" / (std::to_string(i) + ".safetensors")) << "x";
        writeFile(models / "Stable-diffusion/one.safetensors", stableDiffusion(768));
        QVERIFY(std::ranges::any_of(library({models}).list(),
                                    [](const ModelEntry& m) { return m.name == "one"; }));
        QVERIFY(library({models}).find("one"));
    }

    void namesTheCandidatesOfAnAmbiguousName() {
        const fs::path models = root() / "twice";
        const fs::path first = copyTo(models / "a" / "same");
        copyTo(models / "b" / "SAME");
        QCOMPARE(library({models}).find("same")->path, first); // one model in two places
        std::ofstream(models / "b/SAME/scheduler/scheduler_config.json", std::ios::app) << "\n";
        const Result<ModelEntry> found = library({models}).find("same");
        QVERIFY(!found);
        QCOMPARE(found.error().code(), ErrorCode::InvalidArgument);
        const std::string message = found.error().message();
        QVERIFY(message.find((models / "a" / "same").string()) != std::string::npos);
        QVERIFY(message.find((models / "b" / "SAME").string()) != std::string::npos);
    }

    // A LoRA may be called as a model is: it is none that could be meant.
    void aFileThatIsNoModelMakesNoNameAmbiguous() {
        const fs::path models = root() / "stray";
        writeFile(models / "starter-image.safetensors", {{"lora_unet_x.lora_down.weight", {4, 8}}});
        const Result<ModelEntry> starter = library({models}).find("");
        QVERIFY2(starter, starter ? "" : starter.error().what());
        QVERIFY(starter->builtIn);
        QVERIFY(library({models}).find("starter-image"));
        // Nor is it among those that there are.
        writeFile(models / "style.safetensors", {{"lora_unet_x.lora_down.weight", {4, 8}}});
        const std::string advice = library({models}).find("nonesuch").error().advice();
        QVERIFY2(advice.find("style") == std::string::npos, advice.c_str());
        // Another one of the name is a choice only where somebody names it.
        const fs::path own = copyTo(models / "own" / "starter-image");
        QVERIFY(library({models}).find("starter-image")->builtIn); // a copy, as of an installation
        std::ofstream(own / "scheduler/scheduler_config.json", std::ios::app) << "\n";
        QVERIFY(library({models}).find("")->builtIn);
        QVERIFY(!library({models}).find("starter-image"));
    }

    void saysWhatThereIsInsteadOfAnUnknownName() {
        const Result<ModelEntry> found = library({}).find("nonesuch");
        QVERIFY(!found);
        QCOMPARE(found.error().code(), ErrorCode::NotFound);
        QVERIFY(std::string(found.error().what()).find("starter-image") != std::string::npos);
    }

    void findsModelsInOneFile() {
        const fs::path models = root() / "webui" / "models";
        const fs::path sd1 =
            writeFile(models / "Stable-diffusion/Dreamy.V8.safetensors", stableDiffusion(768));
        writeFile(models / "Stable-diffusion/two.safetensors", stableDiffusion(1024));
        writeFile(models / "Lora/style.safetensors", {{"lora_unet_mid.lora_up.weight", {4, 4}}});
        std::ofstream(models / "Stable-diffusion/cut-short.safetensors") << "x";
        std::map<std::string, ModelEntry> found;
        for (const ModelEntry& model : library({models}).list())
            if (!model.builtIn) found[model.name] = model;
        QCOMPARE(found.size(), size_t{3}); // the LoRA is no model
        QCOMPARE(found["Dreamy.V8"].kind, std::string("Stable Diffusion 1.x"));
        QCOMPARE(found["two"].kind, std::string("Stable Diffusion 2.x"));
        QVERIFY(!found["cut-short"].problem.empty());
        QCOMPARE(found["cut-short"].sizeBytes, uint64_t{1});
        QCOMPARE(found["Dreamy.V8"].sizeBytes, fs::file_size(sd1));
        QCOMPARE(library({models}).find("dreamy.v8")->path, sd1);
        QCOMPARE(library({}).find(sd1.string())->name, std::string("Dreamy.V8"));
        QFile file(QString::fromStdString(sd1.string()));
        QVERIFY(file.open(QIODevice::ReadOnly));
        QCryptographicHash sha(QCryptographicHash::Sha256);
        sha.addData(&file);
        QCOMPARE(*library({}).hash(*library({}).find(sd1.string())),
                 "sha256:" + sha.result().toHex().toStdString());
        QVERIFY(library({}).find((models / "Lora/style.safetensors").string())->otherKind);
    }

    void tellsOfFilesThatAreSomethingElse() {
        const fs::path models = root() / "mixed";
        const fs::path flux =
            writeFile(models / "flux.safetensors",
                      {{"model.diffusion_model.double_blocks.0.img_attn.qkv.weight", {4, 4}}});
        // What lies with LoRAs and is as small as they are is no model, nor a broken one.
        fs::create_directories(models / "Lora");
        std::ofstream(models / "Lora/cut-short.safetensors") << "x";
        std::vector<ModelEntry> others;
        for (const ModelEntry& model : library({models}).list(&others)) QVERIFY(model.builtIn);
        QCOMPARE(others.size(), size_t{1});
        QCOMPARE(others[0].path, flux);
        QVERIFY(!others[0].problem.empty());
    }

    void refusesOtherFilesAndFolders() {
        const fs::path file = root() / "model.txt";
        std::ofstream(file) << "x";
        const Result<ModelEntry> checkpoint = library({}).find(file.string());
        QCOMPARE(checkpoint.error().code(), ErrorCode::Unsupported);
        QVERIFY(checkpoint.error().advice().find("diffusers") != std::string::npos);
        fs::create_directory(root() / "empty");
        QCOMPARE(library({}).find((root() / "empty").string()).error().code(), ErrorCode::BadFile);
        QCOMPARE(library({}).find((root() / "none").string()).error().code(), ErrorCode::NotFound);
    }

    void listsABrokenModelWithItsProblem() {
        const fs::path model = root() / "broken-models" / "odd";
        fs::create_directories(model);
        std::ofstream(model / "model_index.json") << "{not json";
        const Result<ModelEntry> found = library({model.parent_path()}).find("odd");
        QVERIFY(found);
        QVERIFY(found->problem.find("model_index.json") != std::string::npos);
    }

    void hashesWhatDecidesAResultAndNothingElse() {
        const fs::path model = copyTo(root() / "hashed" / "m");
        const ModelLibrary models = library({model.parent_path()});
        const ModelEntry entry = *models.find("m");
        const std::string hash = *models.hash(entry);
        QCOMPARE(hash.size(), size_t{71});
        QVERIFY(hash.starts_with("sha256:"));
        QCOMPARE(*models.hash(*library({}).find("")), hash); // the place does not matter
        QCOMPARE(*models.hash(entry), hash);                 // from the cache
        std::ofstream(model / "README.md") << "words";
        QCOMPARE(*models.hash(entry), hash);
        std::ofstream(model / "kinora.json", std::ios::app) << "\n";
        const std::string changed = *models.hash(entry);
        QVERIFY(changed != hash);
        QCOMPARE(models.findByHash(changed)->path, model);
        QCOMPARE(models.findByHash(hash)->builtIn, true);
        QCOMPARE(models.findByHash("sha256:0").error().code(), ErrorCode::NotFound);
    }
};

QTEST_GUILESS_MAIN(ModelLibraryTest)
#include "model_library_test.moc"
