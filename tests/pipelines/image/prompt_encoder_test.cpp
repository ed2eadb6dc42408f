#include "pipelines/image/prompt_encoder.h"
#include "tests/support/golden_file.h"
#include "tests/support/model_parts.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <span>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;
using kernels::Shape;

namespace {

struct Encoded {
    Shape shape;
    std::vector<float> values;
};

Encoded encode(const char* name, const ImageRequest& request, Guidance guidance) {
    const Model model = Model::open(test::goldenPath(name));
    const auto device = test::allBackends().open("cpu", {.threads = 2});
    ComponentLoader loader(model, *device, DType::F32, {});
    const PromptEncoder prompts(loader, *device, DType::F32);
    const PromptEmbeddings told = prompts.encode(request, guidance);
    return {told.embeddings.shape(), device->toHost<float>(told.embeddings)};
}

} // namespace

TEST_CASE("the negative prompt comes first, and only with guidance") {
    ImageRequest request;
    request.prompt = "a red apple";
    request.negative = "a cat";
    const Encoded both = encode("tiny-sd1", request, Guidance::On);
    const Encoded one = encode("tiny-sd1", request, Guidance::Off);
    CHECK((both.shape == Shape{2, 77, 16}));
    CHECK((one.shape == Shape{1, 77, 16}));
    CHECK(std::ranges::equal(std::span(both.values).subspan(one.values.size()), one.values));
    request.prompt = "a cat";
    const Encoded negative = encode("tiny-sd1", request, Guidance::Off);
    CHECK(std::ranges::equal(std::span(both.values).first(one.values.size()), negative.values));
}
