#include "pipelines/weights/lora/lora_layouts.h"

#include <doctest/doctest.h>

#include <string>

using namespace kinora::pipelines;

TEST_CASE("every layout leads to the same module and part") {
    struct Row {
        const char* stored;
        const char* component;
        const char* module;
        LoraPart part;
    };
    const Row rows[] = {
        {"lora_unet_mid_block_attentions_0_proj_in.lora_down.weight", "unet",
         "mid_block_attentions_0_proj_in", LoraPart::Down},
        {"unet.mid_block.attentions.0.proj_in.lora_A.weight", "unet",
         "mid_block_attentions_0_proj_in", LoraPart::Down},
        {"base_model.model.mid_block.attentions.0.proj_in.lora_B.weight", "unet",
         "mid_block_attentions_0_proj_in", LoraPart::Up},
        {"mid_block.attentions.0.proj_in.lora.up.weight", "unet", "mid_block_attentions_0_proj_in",
         LoraPart::Up},
        {"diffusion_model.middle_block.1.proj_in.lora_A.weight", "unet", "middle_block_1_proj_in",
         LoraPart::Down},
        {"unet.a.attn1.processor.to_out_lora.down.weight", "unet", "a_attn1_to_out_0",
         LoraPart::Down},
        {"text_encoder.text_model.encoder.layers.0.self_attn.to_q_lora.up.weight", "text_encoder",
         "text_model_encoder_layers_0_self_attn_q_proj", LoraPart::Up},
        {"text_encoder.text_model.encoder.layers.0.mlp.fc1.lora_linear_layer.down.weight",
         "text_encoder", "text_model_encoder_layers_0_mlp_fc1", LoraPart::Down},
        {"lora_te_text_model_encoder_layers_0_mlp_fc1.alpha", "text_encoder",
         "text_model_encoder_layers_0_mlp_fc1", LoraPart::Alpha},
        {"lora_te1_text_model_encoder_layers_0_mlp_fc1.alpha", "text_encoder",
         "text_model_encoder_layers_0_mlp_fc1", LoraPart::Alpha},
        {"lora_te2_text_model_encoder_layers_0_mlp_fc1.alpha", "text_encoder_2",
         "text_model_encoder_layers_0_mlp_fc1", LoraPart::Alpha},
        {"base_model.model.text_model.encoder.layers.0.mlp.fc1.lora_A.weight", "text_encoder",
         "text_model_encoder_layers_0_mlp_fc1", LoraPart::Down},
        {"unet.middle_block.1.proj_in.lora_down.weight", "unet", "middle_block_1_proj_in",
         LoraPart::Down},
        {"clip_l.text_model.encoder.layers.0.mlp.fc1.lora_up.weight", "text_encoder",
         "text_model_encoder_layers_0_mlp_fc1", LoraPart::Up},
        {"clip_g.text_model.encoder.layers.0.mlp.fc1.dora_scale", "text_encoder_2",
         "text_model_encoder_layers_0_mlp_fc1", LoraPart::DoraScale},
        {"text_encoders.clip_l.transformer.text_model.encoder.layers.0.mlp.fc1.alpha",
         "text_encoder", "text_model_encoder_layers_0_mlp_fc1", LoraPart::Alpha},
        {"text_encoders.clip_h.transformer.text_model.encoder.layers.0.mlp.fc1.diff_b",
         "text_encoder", "text_model_encoder_layers_0_mlp_fc1", LoraPart::BiasDifference},
        {"text_encoders.clip_g.transformer.text_model.encoder.layers.0.mlp.fc1.lora_down.weight",
         "text_encoder_2", "text_model_encoder_layers_0_mlp_fc1", LoraPart::Down},
        {"lora_unet_conv_in.hada_w2_b", "unet", "conv_in", LoraPart::HadaW2B},
        {"lora_unet_conv_in.lokr_t2", "unet", "conv_in", LoraPart::KronT2},
        {"lora_unet_conv_in.diff_b", "unet", "conv_in", LoraPart::BiasDifference},
        {"lora_unet_conv_in.on_input", "unet", "conv_in", LoraPart::Ia3OnInput},
        {"unet.conv_in.lora_magnitude_vector.weight", "unet", "conv_in", LoraPart::Magnitude},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.stored));
        const auto name = parseLoraName(row.stored);
        REQUIRE(name.has_value());
        CHECK(name->component == row.component);
        CHECK(name->module == row.module);
        CHECK(name->part == row.part);
    }
}

TEST_CASE("other names belong to no layout") {
    for (const char* stored : {"", "lora_unet_conv_in.oft_diag", "emb_params", "alpha"})
        CHECK(!parseLoraName(stored).has_value());
}
