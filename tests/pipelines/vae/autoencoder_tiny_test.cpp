// Golden numbers: tests/golden/generate_tiny_autoencoders.py, diffusers' AutoencoderTiny. Each is
// made from a folder by its config, and from files that do not bring one.

#include "pipelines/vae/autoencoder_tiny.h"
#include "pipelines/vae/vae.h"
#include "pipelines/weights/tiny_autoencoder_file.h"
#include "tests/support/golden_file.h"
#include "tests/support/model_parts.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;
using kernels::Shape;
using kernels::Tensor;

namespace {

Tensor input(const test::GoldenFile& golden, const std::string& name, kernels::Device& device) {
    const std::vector<int64_t> shape = golden.shape(name);
    const Shape as{shape.at(0), shape.at(1), shape.at(2), shape.at(3)};
    if (!device.hasNumbers()) return device.empty(as, DType::F32);
    return device.fromHost(golden.floats(name).data(), as, DType::F32);
}

void compare(const std::string& name, const char* file, DType compute, double tolerance) {
    CAPTURE(name);
    const test::GoldenFile golden("tiny-autoencoders/expected.safetensors");
    const std::string folder = "tiny-autoencoders/" + name + "/";
    const auto found = TinyAutoencoderFile::find(test::goldenPath(folder + file));
    REQUIRE(found);
    nlohmann::json config = test::readGoldenJson(folder + "config.json");
    if (!std::string(file).starts_with("diffusion")) { // act_fn and scale are not in the tensors
        for (const char* key : {"act_fn", "scaling_factor"})
            if (name == "odd") config.erase(key);
        CHECK(readVaeConfig(config).pixelsPerLatent ==
              readVaeConfig(found->config()).pixelsPerLatent);
        config = found->config();
    }
    const auto device = test::allBackends().open("cpu", {.threads = 2});
    const auto source = found->weights();
    const Weights weights(*source, *device, compute);
    const auto error = [&](const Tensor& tensor, const std::string& expected) {
        CHECK(tensor.dtype() == DType::F32);
        return test::relativeError(device->toHost<float>(tensor), golden.floats(expected));
    };
    const auto decoder = makeVaeDecoder(config, "config.json", weights);
    CHECK(error((*decoder)(input(golden, name + ".latents", *device)), name + ".decoded") <
          tolerance);
    const auto encoder = makeVaeEncoder(config, "config.json", weights);
    CHECK(error((*encoder)(input(golden, name + ".picture", *device)), name + ".encoded") <
          tolerance);
    CHECK(weights.unused().empty());
}

} // namespace

TEST_CASE("decoder and encoder equal the reference's") {
    for (const char* name : {"taesd", "odd"}) {
        compare(name, "diffusion_pytorch_model.safetensors", DType::F32, 1e-5);
        compare(name, "diffusion_pytorch_model.safetensors", DType::BF16, 0.05);
    }
    compare("taesd", "taesd_decoder.pth", DType::F32, 1e-5);
}

TEST_CASE("a plan runs through it") {
    const auto device = test::allBackends().open("meta", {.threads = 2});
    const auto found =
        TinyAutoencoderFile::find(test::goldenPath("tiny-autoencoders/taesd/taesd_decoder.pth"));
    REQUIRE(found);
    const auto source = found->weights();
    const Weights weights(*source, *device, DType::F32);
    const auto decoder = makeVaeDecoder(found->config(), "config.json", weights);
    const auto encoder = makeVaeEncoder(found->config(), "config.json", weights);
    const Tensor latents = device->empty({1, 3, 2, 4}, DType::F32);
    CHECK(((*decoder)(latents).shape() == Shape{1, 24, 16, 3}));
    CHECK(((*encoder)(device->empty({1, 24, 16, 3}, DType::F32)).shape() == latents.shape()));
}
