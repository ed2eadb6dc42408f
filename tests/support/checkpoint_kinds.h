#pragma once
// The tiny golden models as kinds of single-file checkpoints: their own configs, told by a shape.
//
//     const auto kinds = makeTinyKind(folder, kTinyKinds[0]);
//     Model model = Model::open(goldenPath("tiny-sd1.safetensors"), kinds);

#include "pipelines/weights/model.h"
#include "tests/support/golden_file.h"
#include "tests/support/temporary_folder.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace kinora::test {

struct TinyTextEncoder {
    const char* component;
    const char* prefix;
    const char* names;
};
struct TinyKind {
    const char* model;
    const char* prediction;
    std::vector<TinyTextEncoder> textEncoders;
};
inline const std::vector<TinyKind> kTinyKinds = {
    {"tiny-sd1", "epsilon", {{"text_encoder", "cond_stage_model.transformer.", "clip"}}},
    {"tiny-sd2v", "v_prediction", {{"text_encoder", "cond_stage_model.model.", "open-clip"}}},
    {"tiny-xl",
     "epsilon",
     {{"text_encoder", "conditioner.embedders.0.transformer.", "clip"},
      {"text_encoder_2", "conditioner.embedders.1.model.", "open-clip-projected"}}},
};

// A folder of kinds with one: the tiny model's own configs, told by two of its shapes.
inline std::filesystem::path makeTinyKind(const TemporaryFolder& folder, const TinyKind& kind) {
    const std::filesystem::path kinds = folder.path() / "checkpoints";
    const std::filesystem::path own = kinds / kind.model;
    std::filesystem::create_directories(kinds);
    std::filesystem::copy(goldenPath(kind.model), own, std::filesystem::copy_options::recursive);
    const std::string unet = "model.diffusion_model.";
    const pipelines::Model model = pipelines::Model::open(own);
    const auto info = model.weights("unet")->find("conv_in.weight", {});
    nlohmann::json description = {
        {"name", std::string("Kind ") + kind.model},
        {"recognise",
         {{unet + "input_blocks.0.0.weight",
           std::vector<int64_t>(info->shape.dims().begin(), info->shape.dims().end())}}},
        {"components",
         {{"unet", {{"prefix", unet}, {"names", "unet"}}},
          {"vae", {{"prefix", "first_stage_model."}, {"names", "autoencoder"}}}}}};
    for (const TinyTextEncoder& text : kind.textEncoders)
        description["components"][text.component] = {{"prefix", text.prefix},
                                                     {"names", text.names}};
    std::ofstream(own / "checkpoint.json") << description;
    return kinds;
}

} // namespace kinora::test
