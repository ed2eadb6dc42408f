// Single files in the CompVis layout against the same weights in a folder, bit by bit. The files
// are made by tests/golden/generate_checkpoints.py, where diffusers reads them to the same end.

#include "pipelines/weights/checkpoint.h"
#include "pipelines/weights/model.h"
#include "pipelines/weights/safetensors_writer.h"
#include "tests/support/checkpoint_kinds.h"
#include "tests/support/golden_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using nlohmann::json;
using test::thrownBy;
namespace fs = std::filesystem;

namespace {

using Shapes = std::map<std::string, std::vector<int64_t>>;

std::vector<float> valuesOf(const WeightSource& source, const std::string& name, int64_t count) {
    std::vector<float> values(static_cast<size_t>(count));
    source.read(name, 0, values);
    return values;
}

// Folders of newer transformers leave "text_model." out; the layers take both.
std::string fullName(const std::string& component, const std::string& name) {
    const bool isText = component.starts_with("text_encoder");
    const bool isWhole = name.starts_with("text_model.") || name.starts_with("text_projection.");
    return isText && !isWhole ? "text_model." + name : name;
}

} // namespace

TEST_CASE("a single file has the very weights of the folder") {
    for (const test::TinyKind& kind : test::kTinyKinds) {
        CAPTURE(kind.model);
        const test::TemporaryFolder folder;
        const Model own = Model::open(test::goldenPath(kind.model));
        const Checkpoint checkpoint(test::goldenPath(std::string(kind.model) + ".safetensors"),
                                    makeTinyKind(folder, kind));
        CHECK(checkpoint.kindName() == std::string("Kind ") + kind.model);
        CHECK(checkpoint.predictionType() == kind.prediction);
        CHECK(!checkpoint.predictionIsGuessed());
        std::vector<std::string> components = {"unet", "vae"};
        for (const test::TinyTextEncoder& text : kind.textEncoders)
            components.emplace_back(text.component);
        for (const std::string& component : components) {
            CAPTURE(component);
            const auto expected = own.weights(component);
            const auto found = checkpoint.weights(component, own.config(component));
            CHECK(found->names().size() == expected->names().size()); // nothing is left over
            for (const std::string& name : expected->names()) {
                CAPTURE(name);
                const std::string full = fullName(component, name);
                const auto info = expected->find(name, {});
                const auto same = found->find(full, info->shape);
                REQUIRE(same.has_value());
                CHECK((same->shape == info->shape));
                const int64_t count = info->shape.elements();
                CHECK((valuesOf(*found, full, count) == valuesOf(*expected, name, count)));
            }
        }
    }
}

TEST_CASE("a part of a tensor is read from its own beginning") {
    const test::TinyKind& kind = test::kTinyKinds[1];
    const test::TemporaryFolder folder;
    const Model own = Model::open(test::goldenPath(kind.model));
    const Checkpoint checkpoint(test::goldenPath("tiny-sd2v.safetensors"),
                                makeTinyKind(folder, kind));
    const auto found = checkpoint.weights("text_encoder", own.config("text_encoder"));
    const std::string name = "encoder.layers.0.self_attn.v_proj.bias";
    const std::vector<float> whole = valuesOf(*own.weights("text_encoder"), name, 24);
    std::vector<float> tail(10);
    found->read("text_model." + name, 14, tail);
    CHECK((tail == std::vector<float>(whole.begin() + 14, whole.end())));
}

TEST_CASE("a matrix that is stored the other way round is read from anywhere in it") {
    const test::TemporaryFolder folder;
    const test::TinyKind& kind = test::kTinyKinds[2];
    const Model own = Model::open(test::goldenPath(kind.model));
    const Checkpoint checkpoint(test::goldenPath("tiny-xl.safetensors"),
                                makeTinyKind(folder, kind));
    const auto found = checkpoint.weights("text_encoder_2", own.config("text_encoder_2"));
    const std::string name = "text_projection.weight"; // [10, 12]
    const std::vector<float> whole = valuesOf(*own.weights("text_encoder_2"), name, 120);
    std::vector<float> middle(50);
    found->read(name, 37, middle);
    CHECK((middle == std::vector<float>(whole.begin() + 37, whole.begin() + 87)));
}

TEST_CASE("the kinds that the program knows are told apart by their shapes") {
    const fs::path kinds = KINORA_SOURCE_DIR "/resources/checkpoints";
    const test::TemporaryFolder folder;
    const fs::path file = folder.path() / "model.safetensors";
    // Shapes alone: the values are a hole in the file.
    const auto kindOf = [&](const Shapes& shapes) {
        json header;
        size_t end = 0;
        for (const auto& [name, shape] : shapes) {
            size_t bytes = 2;
            for (const int64_t extent : shape) bytes *= static_cast<size_t>(extent);
            header[name] = {
                {"dtype", "F16"}, {"shape", shape}, {"data_offsets", {end, end + bytes}}};
            end += bytes;
        }
        const std::string text = header.dump();
        const uint64_t length = text.size();
        std::ofstream out(file, std::ios::binary);
        out.write(reinterpret_cast<const char*>(&length), sizeof length);
        out << text;
        out.close();
        fs::resize_file(file, sizeof length + text.size() + end);
        return Model::open(file, kinds).kind();
    };
    const std::string unet = "model.diffusion_model.";
    const std::string in = unet + "input_blocks.0.0.weight", label = unet + "label_emb.0.0.weight";
    const std::string key = unet + "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight";
    const auto input = [](int64_t out, int64_t channels) {
        return std::vector<int64_t>{out, channels, 3, 3};
    };
    CHECK(kindOf({{in, input(320, 4)}, {key, {320, 768}}}) == "Stable Diffusion 1.x");
    CHECK(kindOf({{in, input(320, 9)}, {key, {320, 768}}}) == "Stable Diffusion 1.x, inpainting");
    CHECK(kindOf({{in, input(320, 8)}, {key, {320, 768}}}) ==
          "Stable Diffusion 1.x, instruct-pix2pix");
    CHECK(kindOf({{in, input(320, 4)}, {key, {320, 1024}}}) == "Stable Diffusion 2.x");
    CHECK(kindOf({{in, input(320, 9)}, {key, {320, 1024}}}) == "Stable Diffusion 2.x, inpainting");
    CHECK(kindOf({{in, input(320, 4)}, {label, {1280, 2816}}}) == "Stable Diffusion XL");
    CHECK(kindOf({{in, input(320, 9)}, {label, {1280, 2816}}}) ==
          "Stable Diffusion XL, inpainting");
    CHECK(kindOf({{in, input(384, 4)}, {label, {1536, 2560}}}) == "Stable Diffusion XL refiner");
    const auto noise = [&](const Shapes& shapes) {
        kindOf(shapes);
        return Model::open(file, kinds).config("scheduler");
    };
    const Shapes markers = {
        {in, input(320, 4)}, {label, {1280, 2816}}, {"v_pred", {1}}, {"ztsnr", {1}}};
    CHECK(noise(markers)["prediction_type"] == "v_prediction");
    CHECK(noise(markers)["rescale_betas_zero_snr"] == true);
}

TEST_CASE("a file of another kind says what it is") {
    const test::TemporaryFolder folder;
    const fs::path kinds = makeTinyKind(folder, test::kTinyKinds[0]);
    const auto refusal = [&](const std::string& tensor) {
        const fs::path file = folder.path() / "other.safetensors";
        const std::vector<float> zeros(4);
        writeSafetensors(file, std::vector<NamedValues>{{tensor, kernels::Shape{4}, zeros}});
        return thrownBy([&] { Checkpoint(file, kinds); });
    };
    CHECK(refusal("lora_unet_mid.lora_up.weight").find("a LoRA") != std::string::npos);
    CHECK(refusal("control_model.input_hint_block.0.bias").find("a ControlNet") !=
          std::string::npos);
    CHECK(refusal("model.diffusion_model.out.2.bias").find("denoiser alone") != std::string::npos);
    CHECK(refusal("model.diffusion_model.double_blocks.0.bias").find("a Flux model") !=
          std::string::npos);
    CHECK(refusal("RRDB_trunk.0.RDB1.conv1.weight").find("an upscaler") != std::string::npos);
    CHECK(refusal("nothing.at.all").find("not known") != std::string::npos);
    CHECK(refusal("nothing.at.all").find("other.safetensors") != std::string::npos);
}
