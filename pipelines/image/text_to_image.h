#pragma once
// Pictures with a model of the Stable Diffusion layout: CLIP text encoders, UNet, AutoencoderKL,
// from noise or from a picture (picture_start.h). The configs tell the families apart (SD 1.x, 2.x,
// XL). Sources: Rombach et al. 2022, Podell et al. 2023; the numbers of diffusers'
// StableDiffusion(XL)Pipeline and its relatives.
//
//     TextToImage pipeline(model, *device, DType::F32);
//     pipeline.run(resolveRequest(request, model), events);
//
// One thread, the one that drives the device; cancel through the device's token.

#include "kernels/backend/device.h"
#include "pipelines/denoisers/denoiser.h"
#include "pipelines/image/control_nets.h"
#include "pipelines/image/denoiser_input.h"
#include "pipelines/image/guided_prediction.h"
#include "pipelines/image/latents_file.h"
#include "pipelines/image/picture_prompts.h"
#include "pipelines/image/picture_start.h"
#include "pipelines/image/prompt_encoder.h"
#include "pipelines/image/run_inputs.h"
#include "pipelines/image/run_part.h"
#include "pipelines/image/run_state.h"
#include "pipelines/request/image_request.h"
#include "pipelines/schedulers/scheduler.h"
#include "pipelines/vae/preview_decoder.h"
#include "pipelines/vae/vae_config.h"
#include "pipelines/weights/model.h"

#include <nlohmann/json_fwd.hpp>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kinora::pipelines {

// Called by run() and by loading, in order; each may be empty.
struct TextToImageEvents {
    // fraction of all weight bytes read so far, 0 to 1.
    std::function<void(const std::string& component, double fraction)> loading;
    // The prompt is encoded; steps come next.
    std::function<void()> encoded;
    // After step `step` (1 to steps) of the batch that begins with picture `picture`.
    std::function<void(int64_t picture, int64_t step, int64_t steps)> step;
    // A small picture of the latents, [h,w,3] f32 in [0,1] on the host's device.
    std::function<void(int64_t picture, kernels::Tensor preview)> preview;
    // [H,W,3 or 4] f32 in [0,1]; with 4, colour is straight and the background transparent.
    std::function<void(int64_t picture, kernels::Tensor image)> picture;
    // Where the run's part ends before the picture: what it leaves of each batch, instead of
    // pictures.
    std::function<void(BegunBatch batch)> handOver;
    // True: the batch that runs is the last one.
    std::function<bool()> stopAfterThis;
    // How far the run is, before the event that says so. state() copies it to the host: not called,
    // it costs nothing; it is valid during the event only.
    std::function<void(RunMoment moment, const std::function<RunState()>& state)> state;
};

class TextToImage {
  public:
    // Reads the weights. compute: F32, or BF16 where the device supports it.
    // Throws Error{BadFile, Unsupported, OutOfMemory}, Cancelled.
    TextToImage(const Model& model, kernels::Device& device, kernels::DType compute,
                const TextToImageEvents& events = {});

    // request: resolved, with a seed and a batch. inputs: the pictures that it names, of its size.
    // from: how far an interrupted run of this very request was; pictures before its batch are not
    // made again. promptCallsOfAll: promptCalls() of the whole run where this one is its first few
    // steps, as in a plan: what prompts take depends on it. Throws Error{NonFinite, OutOfMemory,
    // BadFile, Io}, Cancelled.
    void run(const ImageRequest& request, const TextToImageEvents& events,
             const RunState* from = nullptr, const RunInputs& inputs = {},
             std::optional<int64_t> promptCallsOfAll = {});

    // How many times a part of a run calls the denoiser. Throws Error{InvalidArgument} where it is
    // none.
    int64_t callsIn(const ImageRequest& request, const RunPart& part) const;

    // How many times a run calls the denoiser, as schedules in prompts count it. request: resolved.
    int64_t promptCalls(const ImageRequest& request) const;

    // Whether run() of that part could go on from it. Throws Error{BadFile}, which says what does
    // not fit.
    void checkState(const ImageRequest& request, const RunState& from,
                    const RunPart& part = {}) const;

    // Whether these are batches of the request, one after the other from picture `first` on, that a
    // run could take over. -> the picture after the last of them. Throws Error{BadFile}.
    int64_t checkBegun(const ImageRequest& request, std::span<const BegunBatch> begun,
                       int64_t first) const;

    // What a run reads beside the model (start latents): whether it is there and fits this request,
    // resolved. Throws Error{NotFound, BadFile, Io}, also on the meta back end.
    void checkInputs(const ImageRequest& request) const;

    kernels::Device& device() const { return m_device; }
    kernels::DType compute() const { return m_compute; }
    const ModelExtras& extras() const { return m_model.extras(); }

    // Whether the run that began last has previews.
    bool hasPreviews() const { return m_preview != nullptr; }

    // Names in the model's files that nothing asked for.
    const std::vector<std::string>& unusedTensors() const { return m_unused; }

  private:
    struct Batch { // pictures that are made at once, and what that takes
        int64_t first = 0;
        std::unique_ptr<Scheduler> scheduler;
        BatchNoise noise;
        PictureStart::Batch start;
        kernels::Tensor latents; // [N,h,w,C] f32
        int64_t calls = 0;       // of the scheduler that are done, or left out at the start
        CallRange range{};       // of them that this run makes
    };
    nlohmann::json vaeConfig() const;
    void checkComponentsAgree() const;
    EncodedPrompts encodePrompts(const ImageRequest& request, int64_t calls,
                                 const RunInputs& inputs) const;
    void tellPictures(const RunInputs& inputs, const TextToImageEvents& events,
                      EncodedPrompts& prompts);
    int64_t sizeNumbers() const; // that the denoiser is told; 0: none
    kernels::Shape latentShape(const ImageRequest& request, int64_t pictures) const; // [N,h,w,C]
    kernels::Tensor startNoise(const ImageRequest& request, int64_t first, int64_t pictures,
                               BatchNoise& noise) const;
    std::unique_ptr<Scheduler> schedulerFor(const ImageRequest& request) const;
    PictureStart pictureStart(const ImageRequest& request, const RunInputs& inputs,
                              const TextToImageEvents& events);
    // The call that a run begins with: later ones where a part of a picture's steps is left out.
    int firstCall(const ImageRequest& request, const Scheduler& scheduler) const;
    CallRange callRange(const ImageRequest& request, const Scheduler& scheduler,
                        const RunPart& part) const;
    Batch beginBatch(const ImageRequest& request, int64_t first, const PictureStart& start,
                     const RunInputs& inputs) const;
    // What the part before left of it.
    void takeBegun(const ImageRequest& request, Batch& batch, const RunInputs& inputs) const;
    Batch continueBatch(const ImageRequest& request, const RunState& from,
                        const PictureStart& start, const RunInputs& inputs) const;
    static RunState stateOf(const Batch& batch, const LatentsFile::Writer& finalLatents);
    void denoiseBatch(const ImageRequest& request, Batch& batch, const EncodedPrompts& prompts,
                      const PictureStart& start, const ControlRun& control,
                      const LatentsFile::Writer& finalLatents,
                      const TextToImageEvents& events) const;
    kernels::Tensor predict(const GuidedDenoiser& how, int64_t call, const kernels::Tensor& input,
                            double timestep) const;
    void preview(const ImageRequest& request, const Batch& batch,
                 const TextToImageEvents& events) const;
    kernels::Tensor decodeOne(const ImageRequest& request, const kernels::Tensor& latents) const;
    void decode(const ImageRequest& request, int64_t first, const kernels::Tensor& latents,
                const TextToImageEvents& events) const;
    kernels::Tensor finishPicture(const ImageRequest& request, const kernels::Tensor& image) const;

    Model m_model;
    kernels::Device& m_device;
    kernels::DType m_compute;
    std::unique_ptr<PromptEncoder> m_prompts;
    std::unique_ptr<Denoiser> m_denoiser;
    std::unique_ptr<ControlNets> m_controls;
    VaeConfig m_vae;
    std::unique_ptr<VaeDecoder> m_decoder;
    std::unique_ptr<VaeEncoder> m_encoder;      // while runs begin from pictures
    std::unique_ptr<PicturePrompts> m_pictures; // while runs have pictures beside the prompt
    DenoiserInput m_kind = DenoiserInput::Latents;
    std::unique_ptr<PreviewDecoder> m_preview; // of the run that began last; null: it has none
    std::vector<std::string> m_unused;
};

} // namespace kinora::pipelines
