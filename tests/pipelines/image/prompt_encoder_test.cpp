#include "pipelines/image/prompt_encoder.h"
#include "tests/support/golden_file.h"
#include "tests/support/model_parts.h"
#include "tests/support/temporary_folder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;
using kernels::Shape;
using kernels::Tensor;

namespace {

// The encoder of a golden model, and what its rows hold.
class Prompts {
  public:
    explicit Prompts(const char* name, const char* backend = "cpu")
        : Prompts(test::goldenPath(name), backend) {}
    explicit Prompts(const std::filesystem::path& folder, const char* backend = "cpu")
        : m_model(Model::open(folder)), m_device(test::allBackends().open(backend, {.threads = 2})),
          m_loader(m_model, *m_device, DType::F32, {}), m_encoder(m_loader, *m_device, DType::F32) {
    }

    EncodedPrompts encode(const ImageRequest& request, Guidance guidance = Guidance::On) {
        return m_encoder.encode(request, guidance, 10);
    }
    std::vector<float> values(const Tensor& tensor) { return m_device->toHost<float>(tensor); }
    const PromptEncoder& encoder() const { return m_encoder; }

  private:
    Model m_model;
    std::unique_ptr<kernels::Device> m_device;
    ComponentLoader m_loader;
    PromptEncoder m_encoder;
};

ImageRequest asking(const std::string& prompt, const std::string& negative = "") {
    ImageRequest request;
    request.prompt = prompt;
    request.negative = negative;
    return request;
}

} // namespace

TEST_CASE("the negative prompt is encoded with guidance, or where prompts are joined") {
    Prompts prompts("tiny-sd1");
    const EncodedPrompts both = prompts.encode(asking("a red apple", "a cat"));
    REQUIRE(both.stages.size() == 1);
    CHECK(both.guided);
    CHECK((both.at(0).negative.embeddings.shape() == Shape{1, 77, 16}));
    CHECK((both.at(0).positive.embeddings.shape() == Shape{1, 77, 16}));
    const EncodedPrompts one = prompts.encode(asking("a red apple", "a cat"), Guidance::Off);
    CHECK_FALSE(one.guided);
    CHECK_FALSE(one.at(0).negative.embeddings);
    CHECK((prompts.values(one.at(0).positive.embeddings) ==
           prompts.values(both.at(0).positive.embeddings)));
    const EncodedPrompts joined = prompts.encode(asking("red AND cat :0.5"), Guidance::Off);
    CHECK_FALSE(joined.guided);
    CHECK((joined.weights == std::vector<double>{1, 0.5}));
    CHECK((joined.at(0).negative.embeddings.shape() == Shape{1, 77, 16}));
    CHECK((joined.at(0).positive.embeddings.shape() == Shape{2, 77, 16}));
}

TEST_CASE("a prompt that changes has stages, on every back end") {
    for (const char* backend : {"cpu", "meta"}) {
        Prompts prompts("tiny-sd1", backend);
        const EncodedPrompts told =
            prompts.encode(asking("a [red:(smiling:1.2):4] cat", "[dark:6]"));
        REQUIRE(told.stages.size() == 3);
        CHECK(told.at(0).lastCall == 4);
        CHECK(told.at(4).lastCall == 4); // counted from 0, the last call is one more
        CHECK(told.at(5).lastCall == 6);
        CHECK(told.at(7).lastCall == 10);
        CHECK(told.at(99).lastCall == 10);
    }
}

TEST_CASE("long prompts are cut as the reference does, or read in chunks") {
    Prompts prompts("tiny-sd1");
    std::string words;
    for (int i = 0; i < 200; ++i) words += "cat ";
    ImageRequest request = asking(words);
    CHECK((prompts.encode(request).at(0).positive.embeddings.shape() == Shape{1, 77, 16}));
    for (const char* syntax : {"a1111", "comfy"}) {
        request.promptSyntax = syntax;
        CHECK((prompts.encode(request).at(0).positive.embeddings.shape() == Shape{1, 231, 16}));
        CHECK((prompts.encode(request).at(0).negative.embeddings.shape() == Shape{1, 77, 16}));
    }
}

TEST_CASE("tokenizers that make different numbers of tokens are read in as many chunks") {
    const test::TemporaryFolder folder;
    const std::filesystem::path copy = folder.path() / "model";
    std::filesystem::copy(test::goldenPath("tiny-xl"), copy,
                          std::filesystem::copy_options::recursive);
    std::filesystem::remove(copy / "tokenizer_2/tokenizer.json");
    std::ofstream(copy / "tokenizer_2/merges.txt") << "#version: 0.2\n"; // letter by letter
    Prompts prompts(copy), whole("tiny-xl");
    std::string words;
    for (int i = 0; i < 60; ++i) words += "apple ";
    for (const char* syntax : {"a1111", "comfy"}) {
        ImageRequest request = asking(words, "a cat");
        request.promptSyntax = syntax;
        const int64_t shorter = whole.encode(request).at(0).positive.embeddings.dim(1);
        CHECK(prompts.encode(request).at(0).positive.embeddings.dim(1) > shorter);
    }
}

TEST_CASE("an empty negative prompt is zeros where the model was trained so") {
    Prompts prompts("tiny-xl");
    CHECK(prompts.encoder().width() == 28);
    CHECK(prompts.encoder().pooledWidth() == 10);
    const auto isZero = [&](const Tensor& tensor) {
        return std::ranges::all_of(prompts.values(tensor), [](float value) { return value == 0; });
    };
    const auto negative = prompts.encode(asking("a cat")).at(0).negative;
    CHECK(isZero(negative.embeddings));
    CHECK(isZero(negative.pooled));
    CHECK((negative.pooled.shape() == Shape{1, 10}));
    CHECK_FALSE(isZero(prompts.encode(asking("a cat", "dark")).at(0).negative.embeddings));
    Prompts odd("tiny-xl-odd"); // its index says no
    const auto encoded = odd.encode(asking("a cat")).at(0).negative;
    CHECK(std::ranges::any_of(odd.values(encoded.embeddings), [](float v) { return v != 0; }));
}
