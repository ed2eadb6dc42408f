#include "pipelines/weights/lora/lora_family.h"
#include "pipelines/weights/lora/lora_file.h"
#include "pipelines/weights/model.h"
#include "pipelines/weights/safetensors_writer.h"
#include "tests/support/golden_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using test::thrownBy;

namespace {

std::filesystem::path write(const test::TemporaryFolder& folder, const std::string& name,
                            const std::vector<std::pair<std::string, kernels::Shape>>& tensors,
                            float value = 1) {
    std::vector<std::vector<float>> values;
    std::vector<NamedValues> named;
    values.reserve(tensors.size());
    for (const auto& [tensor, shape] : tensors) {
        values.emplace_back(static_cast<size_t>(shape.elements()), value);
        named.push_back({tensor, shape, values.back()});
    }
    const auto path = folder.path() / name;
    writeSafetensors(path, named);
    return path;
}

const LoraModule& moduleOf(const LoraFile& file, const std::string& component,
                           const std::string& ending) {
    for (const LoraModule& module : file.modules())
        if (module.component == component && module.name.ends_with(ending)) return module;
    FAIL("no module " << ending);
    return file.modules().front();
}

} // namespace

TEST_CASE("the scale follows from alpha, rank and how diffusers says to use them") {
    const LoraFile peft(test::goldenPath("loras/peft.safetensors"));
    const LoraModule& denoiser = moduleOf(peft, "unet", "to_q");
    CHECK(denoiser.rankStabilised);
    CHECK(denoiser.scale(3) == doctest::Approx(2 / std::sqrt(3.0)));
    const LoraModule& text = moduleOf(peft, "text_encoder", "q_proj");
    CHECK(!text.rankStabilised);
    CHECK(text.scale(2) == doctest::Approx(1.5));
    const LoraFile old(test::goldenPath("loras/old-diffusers.safetensors"));
    CHECK(old.modules().front().scale(2) == 1);
    const LoraFile kohya(test::goldenPath("loras/kohya.safetensors"));
    CHECK(moduleOf(kohya, "unet", "to_q").alpha.has_value());
}

TEST_CASE("of two patterns for alpha the first one counts, as in PEFT") {
    const test::TemporaryFolder folder;
    const nlohmann::json config = {{"unet.lora_alpha", 8},
                                   {"unet.alpha_pattern", {{"to_q", 3}, {"attn1.to_q", 0.5}}}};
    nlohmann::json header = {{"__metadata__", {{"lora_adapter_metadata", config.dump()}}}};
    size_t end = 0;
    for (const char* module : {"a.attn1.to_q", "a.attn2.to_q", "a.attn1.to_k"})
        for (const char* part : {".lora_A.weight", ".lora_B.weight"}) {
            header[std::string("unet.") + module + part] = {
                {"dtype", "F32"}, {"shape", {1, 1}}, {"data_offsets", {end, end + 4}}};
            end += 4;
        }
    const std::string text = header.dump();
    const uint64_t size = text.size();
    const auto path = folder.path() / "patterns.safetensors";
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(&size), sizeof size)
        .write(text.data(), static_cast<std::streamsize>(text.size()))
        .write(std::string(end, '\0').data(), static_cast<std::streamsize>(end));
    const LoraFile file(path);
    CHECK(moduleOf(file, "unet", "attn1_to_q").scale(1) == 0.5f);
    CHECK(moduleOf(file, "unet", "attn2_to_q").scale(1) == 3);
    CHECK(moduleOf(file, "unet", "attn1_to_k").scale(1) == 8);
}

TEST_CASE("kinds are told by their parts") {
    for (const auto& [file, kind] :
         {std::pair{"kohya", "LoRA"}, {"loha", "LoHa"}, {"lokr", "LoKr"}, {"ia3", "IA3"}})
        CHECK(LoraFile(test::goldenPath(std::string("loras/") + file + ".safetensors")).kind() ==
              kind);
}

TEST_CASE("a LoRA of another family is refused, and the family named") {
    const test::TemporaryFolder folder;
    Model model = Model::open(test::goldenPath("tiny-sd1"));
    const auto refusal = [&](const std::string& module, int64_t in) {
        const auto path =
            write(folder, "other.safetensors",
                  {{module + ".lora_up.weight", {4, 2}}, {module + ".lora_down.weight", {2, in}}});
        return thrownBy([&] { model.add(std::make_shared<const LoraFile>(path), {}); });
    };
    const auto names = [](const std::string& message, const char* family) {
        return message.find(family) != std::string::npos;
    };
    const std::string place =
        "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k";
    CHECK(names(refusal(place, 768), "Stable Diffusion 1.x"));
    CHECK(names(refusal(place, 1024), "Stable Diffusion 2.x"));
    CHECK(
        names(refusal("lora_unet_input_blocks_4_1_transformer_blocks_3_attn2_to_k", 2048), "SDXL"));
    CHECK(names(refusal("lora_unet_double_blocks_0_img_attn_proj", 3072), "Flux"));
    CHECK(names(refusal("lora_unet_joint_blocks_0_x_block_attn_qkv", 1536), "Stable Diffusion 3"));
    CHECK(names(refusal("lora_unet_unheard_of", 8), "none of its 1 modules"));
    CHECK(model.additions().empty());
}

TEST_CASE("a LoRA of SD 1.x is refused by an SDXL model before any shape is compared") {
    const test::TemporaryFolder folder;
    const auto copy = folder.path() / "xl";
    std::filesystem::copy(test::goldenPath("tiny-xl"), copy,
                          std::filesystem::copy_options::recursive);
    nlohmann::json config;
    std::ifstream(copy / "unet/config.json") >> config;
    config["cross_attention_dim"] = 2048;
    std::ofstream(copy / "unet/config.json") << config;
    Model model = Model::open(copy);
    // A module that both families have and that fits, and one whose text is narrower.
    const std::string block = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_";
    const auto path = write(folder, "sd1.safetensors",
                            {{block + "attn1_to_q.lora_up.weight", {8, 2}},
                             {block + "attn1_to_q.lora_down.weight", {2, 8}},
                             {block + "attn2_to_k.lora_up.weight", {8, 2}},
                             {block + "attn2_to_k.lora_down.weight", {2, 768}}});
    const std::string message =
        thrownBy([&] { model.add(std::make_shared<const LoraFile>(path), {}); });
    CHECK(message.find("was made for Stable Diffusion 1.x; this model is SDXL.") !=
          std::string::npos);
    CHECK(model.additions().empty());
}

TEST_CASE("what is no LoRA says what it is") {
    const test::TemporaryFolder folder;
    const auto refusal = [&](const std::string& tensor) {
        const auto path = write(folder, "other.safetensors", {{tensor, {4}}});
        return thrownBy([&] { LoraFile lora(path); });
    };
    CHECK(refusal("model.diffusion_model.out.2.bias").find("a whole model") != std::string::npos);
    CHECK(refusal("ip_adapter.1.to_k_ip.weight").find("is an IP-Adapter") != std::string::npos);
    CHECK(refusal("emb_params").find("a textual inversion") != std::string::npos);
    CHECK(refusal("body.0.rdb1.conv1.weight").find("is an upscaler") != std::string::npos);
    CHECK(refusal("lora_unet_mid_block.oft_diag").find("OFT") != std::string::npos);
    CHECK(refusal("nothing").find("\"nothing\"") != std::string::npos);
    const auto html = folder.write("page.safetensors", "<!DOCTYPE html><html></html>");
    CHECK(thrownBy([&] { LoraFile lora(html); }).find("HTML") != std::string::npos);
}

TEST_CASE("a damaged alpha is refused") {
    const test::TemporaryFolder folder;
    const std::string module = "lora_unet_mid_block_attentions_0_proj_in";
    const std::vector<std::pair<std::string, kernels::Shape>> tensors = {
        {module + ".lora_up.weight", {8, 2}}, {module + ".lora_down.weight", {2, 8}}};
    auto wide = tensors;
    wide.emplace_back(module + ".alpha", kernels::Shape{2});
    CHECK(thrownBy([&] {
              LoraFile lora(write(folder, "a.safetensors", wide));
          }).find("one number") != std::string::npos);
    auto infinite = tensors;
    infinite.emplace_back(module + ".alpha", kernels::Shape{1});
    CHECK(thrownBy([&] {
              LoraFile lora(write(folder, "b.safetensors", infinite, INFINITY));
          }).find("alpha") != std::string::npos);
    auto twice = tensors;
    twice.emplace_back("unet.mid_block.attentions.0.proj_in.lora_A.weight", kernels::Shape{2, 8});
    CHECK(thrownBy([&] { LoraFile lora(write(folder, "c.safetensors", twice)); }).find("twice") !=
          std::string::npos);
}
