#pragma once
// The down, middle and up blocks of UNet2DConditionModel. Private to it.

#include "pipelines/blocks/downsample_2d.h"
#include "pipelines/blocks/resnet_block_2d.h"
#include "pipelines/blocks/transformer_2d.h"
#include "pipelines/blocks/upsample_2d.h"
#include "pipelines/denoisers/free_u_stage.h"

#include <optional>
#include <vector>

namespace kinora::pipelines {

struct UnetBlockOptions {
    int64_t layers; // resnets
    bool attention; // a transformer after each
    bool resize;    // a down- or upsampler at the end
    DownsamplePadding padding;
    ResnetOptions resnet;
    TransformerOptions transformer;
    std::vector<int64_t> transformerLayers; // after each resnet, on the way down and up
};

// What every block is given besides the picture.
struct UnetConditions {
    kernels::Tensor time;    // [N or 1, width], after the activation, compute dtype
    kernels::Tensor context; // [N,L,width], compute dtype
    std::span<const PicturePrompt> pictures;
    int64_t identityRows = 0; // the last ones, whose self-attention is the identity in this block
};

class DownBlock {
  public:
    DownBlock(const Weights& weights, int64_t in, int64_t out, const UnetBlockOptions& options);
    // x [N,H,W,in] -> [N,H',W',out]; appends what the up path will want, the result included.
    // added, where defined, is added to the last layer's result before the downsampler, in a block
    // without attention after it.
    kernels::Tensor operator()(kernels::Tensor x, const UnetConditions& conditions,
                               std::vector<kernels::Tensor>& skips,
                               const kernels::Tensor& added = {}) const;

  private:
    std::vector<ResnetBlock2D> m_resnets;
    std::vector<Transformer2D> m_attentions;
    std::optional<Downsample2D> m_downsample;
};

class MidBlock {
  public:
    MidBlock(const Weights& weights, int64_t channels, const UnetBlockOptions& options);
    kernels::Tensor operator()(kernels::Tensor x, const UnetConditions& conditions) const;

  private:
    ResnetBlock2D m_first;
    std::optional<Transformer2D> m_attention;
    std::optional<ResnetBlock2D> m_second; // with attention only
};

class UpBlock {
  public:
    // in: of the picture; out: of the result; skipIn: of the last skip that it takes.
    UpBlock(const Weights& weights, int64_t in, int64_t out, int64_t skipIn,
            const UnetBlockOptions& options);
    // Takes its skips from the end and frees them as it goes. The result has the size of the next
    // one, so that odd sizes come back right.
    kernels::Tensor operator()(kernels::Tensor x, const UnetConditions& conditions,
                               std::vector<kernels::Tensor>& skips,
                               const std::optional<FreeUStage>& freeU = {}) const;

  private:
    std::vector<ResnetBlock2D> m_resnets;
    std::vector<Transformer2D> m_attentions;
    std::optional<Upsample2D> m_upsample;
};

} // namespace kinora::pipelines
