// Real files of each kind, as their trainers and generators write them.

#include "pipelines/weights/file_kind.h"
#include "pipelines/weights/weight_file.h"
#include "tests/support/golden_file.h"

#include <doctest/doctest.h>

#include <string>

using namespace kinora;
using namespace kinora::pipelines;

TEST_CASE("what a file is, is told by the names of its tensors") {
    const std::pair<const char*, const char*> rows[] = {
        {"tiny-sd1.safetensors", "a whole model"},
        {"tiny-xl.safetensors", "a whole model"},
        {"tiny-sd1.ckpt", "a whole model"},
        {"loras/kohya.safetensors", "a LoRA"},
        {"loras/old-diffusers.safetensors", "a LoRA"},
        {"loras/peft.safetensors", "a LoRA"},
        {"loras/loha.safetensors", "a LoHa"},
        {"loras/lokr.safetensors", "a LoKr"},
        {"ip_adapters/plus.bin", "an IP-Adapter"},
        {"ip_adapters/image_encoder/model.safetensors", "CLIP's picture encoder"},
        {"control/nets/control-sd1.safetensors", "a ControlNet"},
        {"control/nets/control-sd1/diffusion_pytorch_model.safetensors", "a ControlNet"},
        {"control/nets/adapter-sd1.safetensors", "a T2I-Adapter"},
        {"control/nets/adapter-sd1/diffusion_pytorch_model.safetensors", "a T2I-Adapter"},
        {"control/nets/adapter-light.safetensors", "a T2I-Adapter"},
        {"embeddings/kohya.safetensors", "a textual inversion"},
        {"embeddings/xlword.safetensors", "a textual inversion"},
        {"embeddings/easy-word.pt", "a textual inversion"},
        {"upscalers/esrgan-x4-oldest.pth", "an upscaler"},
        {"upscalers/esrgan-x4-older.safetensors", "an upscaler"},
        {"upscalers/real-esrgan-x2.pth", "an upscaler"},
        {"upscalers/compact-x2.safetensors", "an upscaler"},
        {"upscalers/compact-x4.pth", "an upscaler"},
        {"tiny-sd1/unet/diffusion_pytorch_model.safetensors", "a denoiser"},
        {"tiny-sd1/vae/diffusion_pytorch_model.safetensors", "a VAE"},
        {"tiny-sd1/text_encoder/model.safetensors", ""}, // newer ones have no prefix
    };
    for (const auto& [file, kind] : rows) {
        CAPTURE(std::string(file));
        CHECK(fileKindOf(openWeightFile(test::goldenPath(file), file)->names()) == kind);
    }
    CHECK(fileKindOf({}).empty());
    CHECK(fileKindOf({"layer.weight"}).empty());
}
