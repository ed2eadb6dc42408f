#pragma once
// The ControlNets and T2I-Adapters of a model: what they make of a run's pictures, and what of that
// is added in each call of the denoiser. Numbers as diffusers' StableDiffusionControlNetPipeline
// and StableDiffusionAdapterPipeline, for both families.
//
//     ControlNets nets(model, unetConfig, vaeFactor, device, DType::F32, progress);
//     const ControlRun run = nets.begin(request, inputs);
//     unet(..., run.residuals(rows, {0.2, 0.25}));
//     unet(..., nets.within(run, window).residuals(rows, {0.2, 0.25})); // of a run in windows

#include "kernels/backend/device.h"
#include "pipelines/denoisers/control_net.h"
#include "pipelines/denoisers/t2i_adapter.h"
#include "pipelines/image/denoise_windows.h"
#include "pipelines/image/run_inputs.h"
#include "pipelines/weights/model.h"

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace kinora::pipelines {

// One call of the denoiser, rows of prompts and pictures; those of the negative prompt come first.
struct DenoiserRows {
    kernels::Tensor samples; // [R,h,w,C] f32, without what the denoiser is shown besides
    std::vector<float> timesteps;
    kernels::Tensor embeddings;                    // [R,L,width]
    std::vector<kernels::Tensor> controlAdditions; // one for each ControlNet, or none
    int64_t negative = 0;                          // rows of the negative prompt, where it guides
};

// Of a run: from where to where a call goes, 0 to 1.
struct RunStretch {
    double begin = 0, end = 1;
};

class ControlNets;

// What one run's pictures, or a window of them, are to the nets. Borrows the nets.
class ControlRun {
  public:
    // What is added in this call; nothing where no net counts in it. Of a run in windows those of
    // a window alone have it.
    UnetResiduals residuals(const DenoiserRows& rows, const RunStretch& stretch) const;

  private:
    friend class ControlNets;
    struct Control {
        const ControlNet* net;
        size_t index; // of its additions
        ControlStrength strength;
        RunStretch stretch;
        HostTensor picture; // of the run's size, until it is seen
        kernels::Tensor condition;
    };
    struct Adapter {
        size_t index;
        double weight;
        RunStretch stretch;
        HostTensor picture;
        std::vector<kernels::Tensor> features; // times its weight
    };
    UnetResiduals ofControls(const DenoiserRows& rows, const RunStretch& stretch) const;

    std::vector<Control> m_controls;
    std::vector<Adapter> m_adapters;
    bool m_positiveOnly = false; // the negative rows are left alone: guess mode
};

class ControlNets {
  public:
    // progress: of each net's bytes, 0 to 1. Throws Error{BadFile, Unsupported, OutOfMemory},
    // Cancelled: also where a net does not fit the denoiser, or the size of its latents.
    using Progress = std::function<void(const std::string& component, double fraction)>;
    ControlNets(const Model& model, int64_t vaeFactor, kernels::Device& device,
                kernels::DType compute, const Progress& progress);

    // Denoiser::embedAddition for each ControlNet.
    std::vector<kernels::Tensor> embedAdditions(const kernels::Tensor& pooled,
                                                std::span<const float> numbers) const;
    // request: resolved; where it is denoised in windows, the pictures wait for these. Throws
    // Error{InvalidArgument} on a size that a net cannot take.
    ControlRun begin(const ImageRequest& request, const RunInputs& inputs) const;
    // The nets see the part of a run's pictures that lies in the window as if it were the whole, as
    // those do that make large pictures in windows with other programs. run: of begin(), in
    // windows. Throws as begin() does.
    ControlRun within(const ControlRun& run, const Window& window) const;

    // Names in the nets' files that nothing asked for.
    const std::vector<std::string>& unusedTensors() const { return m_unused; }

  private:
    template <typename Net> struct Named {
        std::string label;
        Net net;
    };
    template <typename Net, typename Config>
    Net load(const ControlFile& file, const Config& config, const nlohmann::json& json,
             kernels::DType compute, const Progress& progress);
    void checkFits(const Named<ControlNet>& control, int64_t vaeFactor) const;
    void checkFeatures(const Named<T2iAdapter>& adapter,
                       std::span<const kernels::Tensor> features) const;
    // What the nets make of the run's pictures, which are not kept.
    void see(ControlRun& run) const;
    std::vector<kernels::Tensor> featuresOf(const ControlRun::Adapter& adapter) const;

    kernels::Device& m_device;
    Unet2dConfig m_unet{}; // where there is a net: they steer no other kind
    int64_t m_vaeFactor;
    std::vector<Named<ControlNet>> m_controls;
    std::vector<Named<T2iAdapter>> m_adapters;
    std::vector<std::string> m_unused;
};

} // namespace kinora::pipelines
