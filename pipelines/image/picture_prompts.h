#pragma once
// Pictures beside the prompt, by IP-Adapters: looked at once in a run, told at every step.

#include "kernels/backend/device.h"
#include "pipelines/blocks/attention.h"
#include "pipelines/image/run_inputs.h"
#include "pipelines/vision/picture_projection.h"
#include "pipelines/weights/model.h"

#include <functional>
#include <memory>
#include <vector>

namespace kinora::pipelines {

class PicturePrompts {
  public:
    // Loads the model's picture encoder and what its adapters make of it. loading: as a run's
    // events. Throws Error{NotFound, BadFile, Unsupported, OutOfMemory}, Cancelled.
    PicturePrompts(const Model& model, kernels::Device& device, kernels::DType compute,
                   const std::function<void(double fraction)>& loading);

    struct Told {
        std::vector<PicturePrompt> positive, negative; // tokens [1,T,width]
    };
    // On the meta back end pictures may have shapes alone.
    Told tell(const std::vector<RunInputs::Prompt>& pictures) const;

  private:
    ClipVisionResult look(std::vector<float> pixels) const;

    kernels::Device& m_device;
    std::unique_ptr<ClipVisionModel> m_encoder;
    std::vector<std::unique_ptr<PictureProjection>> m_projections; // one for each adapter
};

} // namespace kinora::pipelines
