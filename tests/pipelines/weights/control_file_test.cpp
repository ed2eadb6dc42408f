#include "kernels/meta/meta_backend.h"
#include "pipelines/weights/control_file.h"
#include "pipelines/weights/incomplete_weights.h"
#include "pipelines/weights/model.h"
#include "pipelines/weights/weights.h"
#include "tests/pipelines/weights/safetensors_bytes.h"
#include "tests/support/golden_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using nlohmann::json;
using test::contains;
using test::thrownBy;

namespace {

std::string net(const std::string& name) {
    return test::goldenPath("control/nets/" + name);
}

std::string inFolder(const std::string& name) {
    return net(name) + "/diffusion_pytorch_model.safetensors";
}

using Tensors = std::vector<std::pair<std::string, std::vector<int64_t>>>;

// A file of such tensors, all zeros.
std::filesystem::path fileOf(const test::TemporaryFolder& folder, const Tensors& tensors) {
    json header = json::object();
    size_t end = 0;
    for (const auto& [name, shape] : tensors) {
        size_t bytes = 2;
        for (const int64_t extent : shape) bytes *= static_cast<size_t>(extent);
        header[name] = {{"dtype", "F16"}, {"shape", shape}, {"data_offsets", {end, end + bytes}}};
        end += bytes;
    }
    return folder.write("net.safetensors",
                        test::safetensorsBytes(header.dump(), std::string(end, '\0')));
}

json denoiser(const std::string& model) {
    return Model::open(test::goldenPath(model)).config("unet");
}

} // namespace

TEST_CASE("a net is told by its tensors, in the names of diffusers and of its authors") {
    for (const std::string& path : {inFolder("control-sd1"), net("control-sd1.safetensors")}) {
        const ControlFile file(path);
        CHECK(file.kind() == ControlKind::ControlNet);
        const json config = file.config(denoiser("tiny-sd1"));
        CHECK(config.at("conditioning_embedding_out_channels") == json({3, 5, 6, 7}));
        CHECK(file.weights(config)->find("controlnet_mid_block.weight", {}).has_value());
        CHECK(file.weights(config)->find("down_blocks.0.downsamplers.0.conv.weight", {}));
    }
    for (const std::string& path : {inFolder("adapter-sd1"), net("adapter-sd1.safetensors")}) {
        const ControlFile file(path);
        CHECK(file.kind() == ControlKind::Adapter);
        const json config = file.config(denoiser("tiny-sd1"));
        CHECK(config.at("channels") == json({4, 8, 8, 8}));
        CHECK(config.at("num_res_blocks") == 2);
        CHECK(file.weights(config)->find("body.1.in_conv.weight", {}).has_value());
        CHECK(file.weights(config)->find("body.3.resnets.1.block2.bias", {}).has_value());
    }
    const test::TemporaryFolder folder;
    const auto alone = folder.path() / "light.safetensors"; // without its config
    std::filesystem::copy_file(inFolder("adapter-light"), alone);
    for (const std::string& path : {alone.string(), net("adapter-light.safetensors")}) {
        const ControlFile file(path);
        CHECK(file.kind() == ControlKind::Adapter);
        const json config = file.config(denoiser("tiny-sd1"));
        CHECK(config.at("adapter_type") == "light_adapter");
        CHECK(config.at("channels") == json({4, 8, 8}));
        CHECK(config.at("num_res_blocks") == 3);
        CHECK(config.at("downscale_factor") == 8);
        for (const char* tensor :
             {"body.0.in_conv.weight", "body.3.resnets.2.block2.bias", "body.3.out_conv.weight"})
            CHECK(file.weights(config)->find(tensor, {}).has_value());
    }
}

TEST_CASE("what a file lacks in words its tensors say") {
    const test::TemporaryFolder folder;
    const auto alone = folder.path() / "small.safetensors";
    std::filesystem::copy_file(inFolder("control-xl-small"), alone);
    const json config = ControlFile(alone).config(denoiser("tiny-xl"));
    const json plain = {"DownBlock2D", "DownBlock2D", "DownBlock2D"};
    CHECK(config.at("down_block_types") == plain);
    CHECK(config.at("mid_block_type") == "UNetMidBlock2D");
    CHECK(config.at("conditioning_embedding_out_channels") == json({4, 4, 4}));
    CHECK(config.at("addition_embed_type") == "text_time");
}

TEST_CASE("what the tensors of a file do not say is the denoiser's") {
    json unet = denoiser("tiny-sd1");
    unet["only_cross_attention"] = true;
    unet["resnet_time_scale_shift"] = "scale_shift";
    const json config = ControlFile(net("control-sd1.safetensors")).config(unet);
    for (const char* key : {"only_cross_attention", "resnet_time_scale_shift", "act_fn"})
        CHECK(config.at(key) == unet.at(key));
}

TEST_CASE("families are told, and others than the model's refused by name") {
    const test::TemporaryFolder folder;
    const Tensors sdxl = {
        {"controlnet_cond_embedding.conv_in.weight", {16, 3, 3, 3}},
        {"down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight", {8, 2048}}};
    const ControlFile control(fileOf(folder, sdxl));
    CHECK(control.family() == "SDXL");
    CHECK(thrownBy([&] { control.config({{"cross_attention_dim", 768}}); }) ==
          "unsupported: net.safetensors: is a ControlNet for SDXL; this model is Stable Diffusion "
          "1.x.");
    const ControlFile adapter(fileOf(
        folder, {{"body.0.block1.weight", {320, 320, 1, 1}}, {"conv_in.weight", {320, 64, 1, 1}}}));
    CHECK(adapter.family() == "Stable Diffusion 1.x");
    CHECK(ControlFile(fileOf(folder, {{"body.0.body.0.block1.weight", {80, 80, 3, 3}},
                                      {"body.0.in_conv.weight", {80, 192, 1, 1}},
                                      {"body.0.out_conv.weight", {320, 80, 1, 1}}}))
              .family() == "Stable Diffusion 1.x");
    CHECK(thrownBy([&] { adapter.config({{"cross_attention_dim", 2048}}); }) ==
          "unsupported: net.safetensors: is a T2I-Adapter for Stable Diffusion 1.x; this model is "
          "SDXL.");
}

TEST_CASE("what is no such net is refused, and named") {
    const test::TemporaryFolder folder;
    const auto refusal = [&](const std::string& tensor) {
        return thrownBy([&] { ControlFile(fileOf(folder, {{tensor, {2, 2}}})); });
    };
    CHECK(contains(refusal("lora_controlnet"), "is a ControlNet as a LoRA"));
    CHECK(contains(refusal("task_embedding"), "several kinds in one (Union)"));
    CHECK(contains(refusal("controlnet_x_embedder.weight"), "is a ControlNet for Flux"));
    CHECK(contains(refusal("lora_unet_mid.lora_up.weight"), "is a LoRA"));
    CHECK(contains(refusal("model.diffusion_model.out.0.bias"), "is a whole model"));
    CHECK(contains(refusal("decoder.conv_in.weight"), "is a VAE"));
    CHECK(contains(refusal("ip_adapter.1.to_k_ip.weight"), "is an IP-Adapter"));
    CHECK(contains(refusal("emb_params"), "is a textual inversion"));
    CHECK(contains(refusal("x"), "is neither a ControlNet nor a T2I-Adapter"));
    CHECK(contains(thrownBy([&] { ControlFile(folder.write("a.safetensors", "<html>")); }),
                   "bad-file: a.safetensors: "));
    CHECK(contains(thrownBy([&] { ControlFile(folder.path() / "none"); }), "not-found: none"));
}

TEST_CASE("missing tensors are counted, and the first one named") {
    kernels::Device device(kernels::metaBackend(), {});
    const ControlFile file(inFolder("control-sd1"));
    const json config = file.config(denoiser("tiny-sd1"));
    const IncompleteWeights source(file.weights(config));
    const Weights weights(source, device, kernels::DType::F32);
    weights.vector("conv_in.bias", 4);
    CHECK_NOTHROW(source.throwIfAnyMissing());
    CHECK(!weights.has("conv_out.bias"));
    weights.vector("conv_out.bias", 4);
    weights.norm("conv_norm_out", 4);
    CHECK(thrownBy([&] { source.throwIfAnyMissing(); }) ==
          "bad-file: control-sd1/diffusion_pytorch_model.safetensors: lacks 3 tensors, the first "
          "of them \"conv_out.bias\".");
    std::vector<float> values(4, 1.0f);
    source.read("conv_out.bias", 0, values);
    CHECK((values == std::vector<float>(4, 0.0f)));
}
