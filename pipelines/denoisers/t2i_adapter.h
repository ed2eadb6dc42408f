#pragma once
// T2I-Adapter: a small net that turns a picture into what is added after each level of a denoiser.
// Source: Mou et al. 2023; names and numbers as diffusers' T2IAdapter (full_adapter,
// full_adapter_xl, light_adapter).
//
//     T2iAdapter adapter(T2iAdapterConfig::fromJson(config, file), weights);
//     const std::vector<Tensor> features = adapter(picture); // once for a run
//     unet(..., {.blocks = features});

#include "pipelines/blocks/conv_2d.h"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

// FullXl: the levels of SDXL; one of them alone halves the picture. Light: a quarter of the
// channels inside of each level, and one level more than there are channels.
enum class T2iAdapterKind { Full, FullXl, Light };

struct T2iAdapterConfig {
    T2iAdapterKind kind = T2iAdapterKind::Full;
    int64_t pictureChannels = 3; // 1: gray
    std::vector<int64_t> channels;
    int64_t residuals = 2; // blocks for each level
    int64_t factor = 8;    // side of the squares that become channels

    // Throws Error{BadFile, Unsupported} naming key and value.
    static T2iAdapterConfig fromJson(const nlohmann::json& config, std::string_view file);
};

class T2iAdapter {
  public:
    T2iAdapter(const T2iAdapterConfig& config, const Weights& weights);

    const T2iAdapterConfig& config() const { return m_config; }

    // picture [1,H,W,pictureChannels] f32 in [0,1], both sides multiples of the factor -> one for
    // each level, [1,h,w,C] in the compute dtype, first the largest.
    std::vector<kernels::Tensor> operator()(const kernels::Tensor& picture) const;

  private:
    struct Residual {
        Conv2d first, second;
    };
    struct Level {
        bool halves = false;
        std::optional<Conv2d> input; // where the number of channels changes
        std::vector<Residual> residuals;
        std::optional<Conv2d> output; // back from a light one's channels
    };
    void addFullLevels(const Weights& body);
    void addLightLevels(const Weights& body, int64_t pictureChannels);

    T2iAdapterConfig m_config;
    kernels::DType m_compute;
    std::optional<Conv2d> m_input; // a light one has none
    std::vector<Level> m_levels;
};

} // namespace kinora::pipelines
