// Whole runs with textual inversions against diffusers: files and numbers from
// tests/golden/generate_embeddings.py.

#include "pipelines/image/resolve_request.h"
#include "pipelines/image/text_to_image.h"
#include "pipelines/request/embedding_choice.h"
#include "pipelines/weights/safetensors.h"
#include "tests/support/golden_file.h"
#include "tests/support/model_parts.h"
#include "tests/support/temporary_folder.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;

namespace {

constexpr double kTolerance = 1e-4;

std::vector<float> latentsOf(const nlohmann::json& how, const nlohmann::json& entry,
                             const std::vector<LearntWord>& words) {
    const test::TemporaryFolder folder;
    const Model model = Model::open(test::goldenPath(entry.at("model")));
    for (const LearntWord& word : words) word.vectors.checkFits(model);
    ImageRequest request;
    request.prompt = entry.at("prompt");
    request.negative = entry.at("negative");
    request.promptSyntax = entry.value("syntax", "auto");
    request.steps = how.at("steps").get<int64_t>();
    request.cfg = how.at("cfg").get<double>();
    request.seed = how.at("seed").get<int64_t>();
    request.sampler = how.at("sampler").get<std::string>();
    request.saveLatentsPath = (folder.path() / "latents.safetensors").string();
    const auto device = test::allBackends().open("cpu", {.threads = 2});
    RunInputs inputs;
    inputs.words = words;
    TextToImage(model, *device, DType::F32)
        .run(resolveRequest(request, model), {}, nullptr, inputs);
    const SafetensorsFile file(request.saveLatentsPath, "latents");
    const auto info = file.find("latents", {});
    REQUIRE(info.has_value());
    std::vector<float> values(static_cast<size_t>(info->shape.elements()));
    file.read("latents", 0, values);
    return values;
}

std::vector<LearntWord> wordsOf(const nlohmann::json& entry) {
    std::vector<LearntWord> words;
    for (const std::string text : entry.at("embeddings")) {
        const auto choice = parseEmbeddingChoice(text);
        REQUIRE(choice);
        words.push_back(
            {choice->word, TextualInversion(test::goldenPath("embeddings/" + choice->name))});
    }
    return words;
}

} // namespace

TEST_CASE("final latents with textual inversions equal diffusers'") {
    const nlohmann::json how = test::readGoldenJson("embeddings/cases.json");
    const test::GoldenFile expected("embeddings/expected.safetensors");
    CHECK(how.at("cases").size() == 5);
    for (const nlohmann::json& entry : how.at("cases")) {
        const std::string name = entry.at("name");
        CAPTURE(name);
        const double error =
            test::relativeError(latentsOf(how, entry, wordsOf(entry)), expected.floats(name));
        MESSAGE("embedding " << name << ": latents differ by " << error);
        CHECK(error <= kTolerance);
    }
}

TEST_CASE("every language reads the same vectors, and weighs them") {
    const nlohmann::json how = test::readGoldenJson("embeddings/cases.json");
    nlohmann::json entry = how.at("cases").at(1); // "several"
    const std::vector<LearntWord> words = wordsOf(entry);
    const auto run = [&](const char* syntax, const char* prompt) {
        entry["syntax"] = syntax;
        entry["prompt"] = prompt;
        entry["negative"] = "";
        return latentsOf(how, entry, words);
    };
    const auto plain = run("plain", "red easy-word apple");
    CHECK((run("a1111", "red easy-word apple") == plain));
    CHECK((run("comfy", "red embedding:easy-word apple") == plain));
    CHECK((run("comfy", "red easy-word apple") != plain));
    CHECK((run("a1111", "red (easy-word:1.4) apple") != plain));
    CHECK((run("comfy", "red (embedding:easy-word:1.4) apple") != plain));
}
