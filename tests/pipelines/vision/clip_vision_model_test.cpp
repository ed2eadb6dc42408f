// Golden numbers: tests/golden/generate_ip_adapters.py, transformers'
// CLIPVisionModelWithProjection.

#include "kernels/ops/layout.h"
#include "pipelines/vision/clip_vision_file.h"
#include "pipelines/vision/clip_vision_model.h"
#include "tests/support/golden_file.h"
#include "tests/support/model_parts.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;

namespace {

void compare(DType compute, double tolerance) {
    const auto device = test::allBackends().open("cpu", {.ordinal = 0, .threads = 2});
    if (!device->supports(compute)) return;
    const test::GoldenFile golden("ip_adapters/expected.safetensors");
    const ClipVisionFile file(test::goldenPath("ip_adapters/image_encoder/model.safetensors"));
    const Weights weights(file.weights(), *device, compute);
    const ClipVisionModel model(file.config(), weights);
    for (const std::string name : {"wide", "high"}) {
        CAPTURE(name);
        std::vector<float> pixels = golden.floats("picture." + name);
        normaliseForClip(pixels);
        const ClipVisionResult seen =
            model(device->fromHost(pixels.data(), {1, 30, 30, 3}, DType::F32));
        const auto values = [&](const kernels::Tensor& tensor) {
            return device->toHost<float>(kernels::convert(tensor, DType::F32));
        };
        CHECK(test::relativeError(values(seen.hidden), golden.floats("hidden." + name)) <
              tolerance);
        CHECK(test::relativeError(values(seen.pooled), golden.floats("pooled." + name)) <
              tolerance);
    }
    CHECK(weights.unused().empty());
}

} // namespace

TEST_CASE("what it sees equals the reference's in f32") {
    compare(DType::F32, 1e-5);
}

TEST_CASE("what it sees is near the reference's in bf16") {
    compare(DType::BF16, 3e-2);
}

TEST_CASE("a config that cannot be is refused by name") {
    const auto read = [](nlohmann::json config) {
        return test::thrownBy([&] { ClipVisionConfig::fromJson(config, "encoder/config.json"); });
    };
    CHECK(read(nlohmann::json::object()) == "nothing");
    CHECK(read({{"hidden_act", "gelu"}, {"num_attention_heads", 12}}) == "nothing");
    CHECK(test::contains(read({{"hidden_act", "cubic"}}), "hidden_act"));
    CHECK(test::contains(read({{"num_channels", 4}}), "num_channels"));
    CHECK(read({{"image_size", 225}}).starts_with("bad-file: encoder/config.json"));
    CHECK(read({{"num_attention_heads", 7}}).starts_with("bad-file: encoder/config.json"));
    CHECK(read({{"hidden_size", "wide"}}).starts_with("bad-file: "));
}
