#include "pipelines/image/component_loader.h"
#include "pipelines/vae/autoencoder_kl.h"
#include "tests/support/golden_file.h"
#include "tests/support/model_parts.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;

TEST_CASE("progress runs from nothing to all over the components that are opened") {
    const Model model = Model::open(test::goldenPath("tiny-sd1"));
    const auto device = test::allBackends().open("cpu", {.threads = 2});
    std::vector<std::pair<std::string, double>> heard;
    ComponentLoader loader(model, *device, DType::F32, [&](const std::string& name, double part) {
        heard.emplace_back(name, part);
    });
    const auto config =
        AutoencoderKlConfig::fromJson(model.config("vae"), model.configLabel("vae"));
    const AutoencoderKlDecoder decoder(config, loader.open("vae"));
    REQUIRE(!heard.empty());
    CHECK(heard.front().first == "VAE");
    CHECK(heard.front().second > 0);
    const double afterOne = heard.back().second;
    CHECK(afterOne < 0.9); // the text encoder and the denoiser are still to come
    loader.open("text_encoder").vector("final_layer_norm.bias", 16);
    CHECK(heard.back().first == "text encoder");
    CHECK(heard.back().second > afterOne);
}

TEST_CASE("tensors that nobody asked for are named with their component") {
    const Model model = Model::open(test::goldenPath("tiny-sd1"));
    const auto device = test::allBackends().open("cpu", {.threads = 2});
    ComponentLoader loader(model, *device, DType::F32, {});
    CHECK(loader.unused().empty()); // nothing is opened
    loader.open("unet").vector("conv_in.bias", 4);
    const std::vector<std::string> unused = loader.unused();
    CHECK(std::ranges::find(unused, "unet/conv_in.weight") != unused.end());
    CHECK(std::ranges::find(unused, "unet/conv_in.bias") == unused.end());
}
