#include "core/library/weights_info.h"

#include "core/media/text_encoding.h"
#include "pipelines/text/learnt_words.h"
#include "pipelines/weights/json_text.h"
#include "pipelines/weights/pickle/pickled_weights.h"
#include "pipelines/weights/weight_file.h"

#include <array>
#include <fstream>
#include <set>
#include <string_view>

namespace kinora::core {
namespace {

// A sign of each architecture: the beginning of a tensor's name that no other has. The first that
// is found decides, so whole checkpoints come before their parts.
struct Sign {
    std::string_view beginning;
    std::string_view architecture;
};
constexpr std::array<Sign, 12> kSigns{{
    {"control_model.", "ControlNet"},
    {"controlnet_cond_embedding.", "ControlNet"},
    {"adapter.body.", "T2I-Adapter"},
    {"body.0.block1.", "T2I-Adapter"},
    {"model.diffusion_model.", "Stable Diffusion checkpoint"},
    {"lora_", "LoRA"},
    {"double_blocks.", "Flux transformer"},
    {"transformer_blocks.0.attn.add_k_proj.", "SD3 or Flux transformer"},
    {"text_model.encoder.layers.", "CLIPTextModel"},
    {"decoder.up_blocks.", "AutoencoderKL"},
    {"first_stage_model.", "AutoencoderKL"},
    {"down_blocks.", "UNet2DConditionModel"},
}};

std::string architectureOf(const std::vector<std::string>& names) {
    for (const Sign& sign : kSigns)
        for (const std::string& name : names)
            if (name.starts_with(sign.beginning)) return std::string(sign.architecture);
    for (const std::string& name : names)
        if (name.find("lora_down") != std::string::npos || name.find("lora_A") != std::string::npos)
            return "LoRA";
    return {};
}

WeightsInfo describe(const std::filesystem::path& path) {
    const auto opened = pipelines::openWeightFile(path, path.filename().string());
    const pipelines::WeightSource& file = *opened;
    WeightsInfo info;
    info.format = looksPickled(path) ? "pickle" : "safetensors";
    info.sizeBytes = std::filesystem::file_size(path);
    const std::vector<std::string> names = file.names();
    for (const std::string& name : names) {
        const auto tensor = file.find(name, kernels::Shape{});
        if (!tensor) continue;
        StoredTensorInfo stored{name, std::string(kernels::dtypeName(tensor->dtype)), {}};
        for (int axis = 0; axis < tensor->shape.rank(); ++axis)
            stored.shape.push_back(tensor->shape[axis]);
        info.parameters += static_cast<uint64_t>(tensor->shape.elements());
        ++info.dtypeCounts[stored.dtype];
        info.tensors.push_back(std::move(stored));
    }
    info.architecture = architectureOf(names);
    return info;
}

std::string firstBytes(const std::filesystem::path& path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) return {};
    std::ifstream file(path, std::ios::binary);
    std::array<char, 256> begin{};
    file.read(begin.data(), begin.size());
    return {begin.data(), static_cast<size_t>(file.gcount())};
}

} // namespace

bool looksPickled(const std::filesystem::path& path) {
    return !looksLikeSafetensors(path) && pipelines::looksPickled(firstBytes(path));
}

bool looksLikeSafetensors(const std::filesystem::path& path) {
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) return false;
    const uintmax_t size = std::filesystem::file_size(path, error);
    std::ifstream file(path, std::ios::binary);
    std::array<char, 9> begin{};
    if (error || !file.read(begin.data(), begin.size())) return false;
    uint64_t length = 0;
    for (size_t i = 0; i < 8; ++i)
        length |= uint64_t{static_cast<unsigned char>(begin[i])} << (8 * i);
    return begin[8] == '{' && length >= 2 && length <= size - 8;
}

std::optional<Error> otherKindOfFile(const std::filesystem::path& path) {
    const std::string begin = firstBytes(path);
    const std::string extension = pipelines::lowerCaseName(path.extension().string());
    const std::string name = repairedUtf8(path.string());
    if (begin.starts_with("GGUF") || extension == ".gguf")
        return Error(ErrorCode::Unsupported,
                     name + ": is a GGUF file, which holds quantised weights and is not read.",
                     "Convert it to safetensors, or fetch that version of the model.");
    if (const std::string impostor = pipelines::knownImpostor(begin);
        !impostor.empty() && !looksPickled(path))
        return Error(ErrorCode::BadFile, name + ": " + impostor, "Fetch the file again.");
    return std::nullopt;
}

Result<WeightsInfo> readWeightsInfo(const std::filesystem::path& path) {
    try {
        return describe(path);
    } catch (const Error& error) {
        return error;
    } catch (const std::filesystem::filesystem_error& error) {
        return Error(ErrorCode::Io, path.string() + " cannot be read: " + error.code().message());
    }
}

} // namespace kinora::core
