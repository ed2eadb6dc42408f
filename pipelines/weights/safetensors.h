#pragma once
// A safetensors file as a source of weights. Read in blocks at offsets, never mapped.
//
//     SafetensorsFile file("unet/diffusion_pytorch_model.safetensors", "unet/diffusion_py...");
//     file.read("conv_in.weight", 0, values);

#include "pipelines/weights/regular_file.h"
#include "pipelines/weights/safetensors_header.h"
#include "pipelines/weights/weight_source.h"

#include <filesystem>
#include <string>
#include <vector>

namespace kinora::pipelines {

class SafetensorsFile final : public WeightSource {
  public:
    // Reads and checks the header. label: how errors name the file.
    // Throws Error{NotFound, BadFile, Unsupported, Io}.
    SafetensorsFile(const std::filesystem::path& path, std::string label);
    // The same of one that is open.
    explicit SafetensorsFile(RegularFile file);

    const std::string& label() const override { return m_file.label(); }
    std::optional<TensorInfo> find(std::string_view name,
                                   const kernels::Shape& expected) const override;
    std::vector<std::string> names() const override;
    int64_t totalBytes() const override;
    void read(std::string_view name, int64_t first, std::span<float> values) const override;
    std::string remark(std::string_view key) const override;
    const SafetensorsMetadata& metadata() const { return m_metadata; }

  private:
    const StoredTensor* stored(std::string_view name) const;

    RegularFile m_file;
    uint64_t m_dataStart = 0;
    std::vector<StoredTensor> m_tensors; // sorted by name
    SafetensorsMetadata m_metadata;
};

} // namespace kinora::pipelines
