#include "pipelines/weights/model.h"
#include "pipelines/weights/safetensors_writer.h"
#include "tests/pipelines/weights/safetensors_bytes.h"
#include "tests/support/golden_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

using namespace kinora::pipelines;
using kinora::test::contains;
using kinora::test::safetensorsBytes;
using kinora::test::TemporaryFolder;
using kinora::test::thrownBy;

namespace {

const std::string kIndex = R"({"_class_name": "StableDiffusionPipeline",
    "unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
    "text_encoder": ["transformers", "CLIPTextModel"], "scheduler": ["diffusers", "DDIMScheduler"],
    "tokenizer": ["transformers", "CLIPTokenizer"], "safety_checker": [null, null],
    "requires_safety_checker": false})";

const std::string kTensor =
    safetensorsBytes(R"({"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "x");

// A folder with everything that is needed, its weights a byte long.
void writeModel(const TemporaryFolder& folder) {
    folder.write("m/model_index.json", kIndex);
    folder.write("m/unet/config.json", "{}");
    folder.write("m/vae/config.json", R"({"latent_channels": 2})");
    folder.write("m/text_encoder/config.json", "{}");
    folder.write("m/scheduler/scheduler_config.json", "{}");
    folder.write("m/tokenizer/vocab.json", "{}");
    folder.write("m/tokenizer/merges.txt", "");
    folder.write("m/unet/diffusion_pytorch_model.safetensors", kTensor);
    folder.write("m/vae/diffusion_pytorch_model.safetensors", kTensor);
    folder.write("m/text_encoder/model.safetensors", kTensor);
}

std::string thrownByOpening(const TemporaryFolder& folder) {
    return thrownBy([&] { Model::open(folder.path() / "m"); });
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    return text.replace(text.find(what), what.size(), with);
}

} // namespace

TEST_CASE("a model of the reference is opened") {
    const Model model = Model::open(kinora::test::goldenPath("tiny-starter"));
    CHECK(model.kind() == "StableDiffusionPipeline");
    CHECK(model.className("unet") == "UNet2DConditionModel");
    CHECK(model.className("scheduler") == "DDIMScheduler");
    CHECK(model.className("safety_checker").empty());
    CHECK(model.has("vae"));
    CHECK_FALSE(model.has("safety_checker"));
    CHECK_FALSE(model.has("controlnet"));
    CHECK(model.config("vae")["latent_channels"] == 8);
    CHECK(model.config("scheduler")["prediction_type"] == "v_prediction");
    CHECK(model.weights("unet")->find("conv_in.bias", {}).has_value());
    CHECK(model.weights("text_encoder")->label() == "tiny-starter/text_encoder/model.safetensors");
    CHECK(model.extras().name.empty());
}

TEST_CASE("a model with two text encoders is opened, and one with the second alone") {
    const Model base = Model::open(kinora::test::goldenPath("tiny-xl"));
    CHECK(base.kind() == "StableDiffusionXLPipeline");
    CHECK(base.className("text_encoder_2") == "CLIPTextModelWithProjection");
    CHECK(base.config("text_encoder_2")["projection_dim"] == 10);
    CHECK(base.flag("force_zeros_for_empty_prompt", false));
    CHECK(base.flag("no_such_switch", true));
    const Model refiner = Model::open(kinora::test::goldenPath("tiny-xl-refiner"));
    CHECK_FALSE(refiner.has("text_encoder"));
    CHECK(refiner.has("text_encoder_2"));
    CHECK(thrownBy([&] { refiner.config("text_encoder"); }).starts_with("not-found: "));
    const auto files = [](const Model& model, const std::string& beginning) {
        return std::ranges::count_if(model.files(), [&](const std::filesystem::path& file) {
            return file.generic_string().starts_with(beginning);
        });
    };
    CHECK(files(base, "tokenizer_2/") == 5);
    CHECK(files(base, "text_encoder/") == 2);
    CHECK(files(refiner, "text_encoder_2/") == 2);
    CHECK(files(refiner, "text_encoder/") == 0);
    CHECK(files(refiner, "tokenizer/") == 0);
}

TEST_CASE("a switch that is neither true nor false is refused") {
    const TemporaryFolder folder;
    writeModel(folder);
    const Model model = Model::open(folder.path() / "m");
    CHECK_FALSE(model.flag("requires_safety_checker", true));
    CHECK(thrownBy([&] {
              model.flag("_class_name", true);
          }).starts_with("bad-file: m/model_index.json: \"_class_name\""));
}

TEST_CASE("the files that decide the result are listed, sorted") {
    const TemporaryFolder folder;
    writeModel(folder);
    folder.write("m/README.md", "");
    folder.write("m/kinora.json", R"({"name": "x"})");
    folder.write("m/safety_checker/model.safetensors", kTensor);
    const Model model = Model::open(folder.path() / "m/"); // with a slash at its end
    const std::vector<std::filesystem::path> expected = {"kinora.json",
                                                         "model_index.json",
                                                         "scheduler/scheduler_config.json",
                                                         "text_encoder/config.json",
                                                         "text_encoder/model.safetensors",
                                                         "tokenizer/merges.txt",
                                                         "tokenizer/vocab.json",
                                                         "unet/config.json",
                                                         "unet/diffusion_pytorch_model.safetensors",
                                                         "vae/config.json",
                                                         "vae/diffusion_pytorch_model.safetensors"};
    CHECK(model.files() == expected);
    CHECK(model.extras().name == "x");
}

TEST_CASE("half precision files and shards stand in for the plain file") {
    const TemporaryFolder folder;
    writeModel(folder);
    const auto unet = folder.path() / "m/unet";
    std::filesystem::rename(unet / "diffusion_pytorch_model.safetensors",
                            unet / "diffusion_pytorch_model.fp16.safetensors");
    const auto vae = folder.path() / "m/vae";
    std::filesystem::rename(vae / "diffusion_pytorch_model.safetensors", vae / "p-1.safetensors");
    folder.write("m/vae/diffusion_pytorch_model.safetensors.index.json",
                 R"({"weight_map": {"w": "p-1.safetensors"}})");
    const Model model = Model::open(folder.path() / "m");
    CHECK(model.weights("unet")->label() == "m/unet/diffusion_pytorch_model.fp16.safetensors");
    CHECK(model.weights("vae")->names() == std::vector<std::string>{"w"});
    const auto files = model.files();
    CHECK(std::count(files.begin(), files.end(), "vae/p-1.safetensors") == 1);
    CHECK(std::count(files.begin(), files.end(),
                     "vae/diffusion_pytorch_model.safetensors.index.json") == 1);
}

TEST_CASE("shards in eight bits are multiplied with their scales") {
    const TemporaryFolder folder;
    writeModel(folder);
    const auto vae = folder.path() / "m/vae";
    std::filesystem::remove(vae / "diffusion_pytorch_model.safetensors");
    const std::vector<float> values = {1, 2}, scale = {0.5f};
    writeSafetensors(vae / "p-1.safetensors", std::vector<NamedValues>{{"w.weight", {2}, values}});
    writeSafetensors(vae / "p-2.safetensors",
                     std::vector<NamedValues>{{"w.scale_weight", {1}, scale}});
    folder.write(
        "m/vae/diffusion_pytorch_model.safetensors.index.json",
        R"({"weight_map": {"w.weight": "p-1.safetensors", "w.scale_weight": "p-2.safetensors"}})");
    const auto weights = Model::open(folder.path() / "m").weights("vae");
    CHECK(weights->names() == std::vector<std::string>{"w.weight"});
    std::vector<float> read(2);
    weights->read("w.weight", 0, read);
    CHECK((read == std::vector<float>{0.5f, 1}));
}

TEST_CASE("weights that are missing or damaged are named") {
    const TemporaryFolder folder;
    writeModel(folder);
    const auto unet = folder.path() / "m/unet";
    std::filesystem::remove(unet / "diffusion_pytorch_model.safetensors");
    const Model model = Model::open(folder.path() / "m");
    CHECK(
        thrownBy([&] { model.weights("unet"); }).starts_with("not-found: m/unet: has no weights"));
    CHECK(thrownBy([&] { model.files(); }).starts_with("not-found: m/unet: has no weights"));
    folder.write("m/unet/diffusion_pytorch_model.bin", "pickle");
    CHECK(thrownBy([&] {
              model.weights("unet");
          }).starts_with("bad-file: m/unet/diffusion_pytorch_model.bin: "));
    CHECK(thrownBy([&] { model.weights("scheduler"); }).starts_with("not-found: "));
    CHECK(thrownBy([&] { model.config("tokenizer"); }).starts_with("not-found: m/tokenizer"));
}

TEST_CASE("an index that is wrong is refused with its key") {
    const TemporaryFolder folder;
    const std::pair<std::string, const char*> indices[] = {
        {"{}", "bad-file: m/model_index.json: \"_class_name\""},
        {replaced(kIndex, "StableDiffusionPipeline", "FluxPipeline"),
         "unsupported: m/model_index.json: the kind of model \"FluxPipeline\""},
        {replaced(kIndex, "\"unet\"", "\"_unet\""),
         "bad-file: m/model_index.json: names no \"unet\""},
        {replaced(kIndex, "UNet2DConditionModel", "SD3Transformer2DModel"),
         "unsupported: m/model_index.json: \"unet\" is of the class \"SD3Transformer2DModel\""},
        {replaced(kIndex, "\"CLIPTextModel\"", "null"),
         "bad-file: m/model_index.json: names no \"text_encoder\""},
        {replaced(kIndex, "\"AutoencoderKL\"", "7"), "bad-file: m/model_index.json: \"vae\" is "},
        {replaced(kIndex, "\"CLIPTokenizer\"", "\"T5Tokenizer\""),
         "unsupported: m/model_index.json: \"tokenizer\""},
        {replaced(kIndex, "safety_checker", "controlnet"), "nothing"},
        {replaced(kIndex, "[null, null]", "[\"a\", \"B\"]"), "nothing"},
        {replaced(replaced(kIndex, "[null, null]", "[\"a\", \"B\"]"), "safety_checker", "adapter"),
         "unsupported: m/model_index.json: the component \"adapter\""},
        {"<html>", "bad-file: m/model_index.json: is a web page"},
    };
    for (const auto& [index, message] : indices) {
        writeModel(folder);
        folder.write("m/model_index.json", index);
        const std::string found = thrownByOpening(folder);
        CAPTURE(index);
        CAPTURE(found);
        CHECK(found.starts_with(message));
    }
}

TEST_CASE("a folder of a family is opened whatever it was made for") {
    const TemporaryFolder folder;
    for (const char* name :
         {"StableDiffusionInpaintPipeline", "StableDiffusionInstructPix2PixPipeline",
          "StableDiffusionImg2ImgPipeline", "LatentConsistencyModelPipeline"}) {
        writeModel(folder);
        folder.write("m/model_index.json", replaced(kIndex, "StableDiffusionPipeline", name));
        CHECK(Model::open(folder.path() / "m").kind() == name);
    }
    const std::string xl =
        replaced(kIndex, "StableDiffusionPipeline", "StableDiffusionXLInpaintPipeline");
    folder.write("m/model_index.json", xl);
    CHECK(contains(thrownByOpening(folder), "text_encoder_2"));
}

TEST_CASE("missing folders and files are told apart") {
    const TemporaryFolder folder;
    CHECK(contains(thrownByOpening(folder), "there is no such model"));
    folder.write("m", "a file");
    CHECK(thrownByOpening(folder).starts_with("bad-file: m: "));
    std::filesystem::remove(folder.path() / "m");
    std::filesystem::create_directory(folder.path() / "m");
    CHECK(thrownByOpening(folder).starts_with("not-found: m/model_index.json"));
    writeModel(folder);
    std::filesystem::remove(folder.path() / "m/vae/config.json");
    CHECK(thrownByOpening(folder).starts_with("not-found: m/vae/config.json"));
    folder.write("m/vae/config.json", "{");
    CHECK(thrownByOpening(folder).starts_with("bad-file: m/vae/config.json"));
    writeModel(folder);
    folder.write("m/kinora.json", R"({"previewFactors": [[1, 2, 3]]})");
    CHECK(contains(thrownByOpening(folder), "m/kinora.json: \"previewFactors\" is [[1,2,3]]; "
                                            "expected 2 rows"));
}
