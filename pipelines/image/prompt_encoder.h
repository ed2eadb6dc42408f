#pragma once
// Turns the prompts of a request into what the denoiser is told. The tokenizers and the text
// encoders of a model live here: nothing else knows how many there are.
//
//     PromptEncoder prompts(loader, device, DType::F32);
//     EncodedPrompts told = prompts.encode(request, Guidance::On, calls);
//     unet(..., told.at(call).positive.embeddings);
//
// One thread, the one that drives the device.

#include "kernels/tensor/tensor.h"
#include "pipelines/blocks/attention.h"
#include "pipelines/image/component_loader.h"
#include "pipelines/image/prompt_texts.h"
#include "pipelines/request/image_request.h"
#include "pipelines/text/clip_text_model.h"
#include "pipelines/text/clip_tokenizer.h"
#include "pipelines/text/learnt_words.h"
#include "pipelines/text/prompt_chunks.h"

#include <span>
#include <string>
#include <vector>

namespace kinora::pipelines {

enum class Guidance { Off, On }; // On: the negative prompt is encoded too

// One row for each prompt.
struct PromptEmbeddings {
    kernels::Tensor embeddings; // [n, L, width()] in the compute dtype
    kernels::Tensor pooled;     // [n, pooledWidth()] f32; undefined where that is 0
    kernels::Tensor addition;   // Denoiser::embedAddition; for whom has the denoiser to fill
    // The same of each ControlNet, by its own layers.
    std::vector<kernels::Tensor> controlAdditions = {};
    // The same for every prompt of this side, [1,T,width()]; for whom has the adapters to fill.
    std::vector<PicturePrompt> pictures = {};
};

struct EncodedPrompts {
    struct Stage { // a stretch of the run in which prompts do not change
        int64_t lastCall;
        PromptEmbeddings negative; // one row; undefined where it has no weight
        PromptEmbeddings positive;
    };
    std::vector<Stage> stages;   // by their last call, at least one
    std::vector<double> weights; // one for each positive prompt
    bool guided = false;         // the guidance scale is followed

    const Stage& at(int64_t call) const; // call: 0, 1 ...
};

class PromptEncoder {
  public:
    // Loads the model's text encoders. Throws Error{BadFile, Unsupported, NotFound, OutOfMemory},
    // Cancelled; Error{BadFile} where tokenizers and encoders do not fit together.
    PromptEncoder(ComponentLoader& loader, kernels::Device& device, kernels::DType compute);

    // calls: of the denoiser in the run, which schedules in the prompts are about. words: those
    // that stand for vectors, of files that fit the model. Throws
    // Error{InvalidArgument} on a clip skip that an encoder has no layers for, Error{NonFinite},
    // Cancelled.
    EncodedPrompts encode(const ImageRequest& request, Guidance guidance, int64_t calls,
                          std::span<const LearntWord> words = {}) const;

    int64_t width() const;       // of the embeddings: of all encoders together
    int64_t pooledWidth() const; // 0 where no encoder gives a pooled embedding

  private:
    struct TextEncoder {
        std::string component; // "text_encoder"
        ClipTokenizer tokenizer;
        ClipTextModel model;
    };
    struct Reading; // how the texts of a request are read

    void add(ComponentLoader& loader, const std::string& suffix);
    void warnIfCut(const std::string& text, const char* which,
                   std::span<const LearntWord> words) const;
    // One for each prompt, with a row for each text of its schedule.
    std::vector<PromptEmbeddings> encodeTexts(const std::vector<const PromptSchedule*>& prompts,
                                              const Reading& reading) const;
    std::vector<size_t> chunkCounts(const std::vector<const PromptSchedule*>& prompts,
                                    const Reading& reading) const;
    // counts: by prompt, chunks that there are at least.
    std::vector<kernels::Tensor> encodeWith(const TextEncoder& encoder,
                                            const std::vector<const PromptSchedule*>& prompts,
                                            std::span<const size_t> counts, const Reading& reading,
                                            kernels::Tensor& pooled) const;
    ClipTextResult encodeRows(const TextEncoder& encoder, std::span<const int32_t> ids,
                              std::span<const PlacedVector> placed, const Reading& reading) const;
    std::vector<float> emptyStates(const TextEncoder& encoder, const Reading& reading) const;
    std::vector<float> hostValues(const kernels::Tensor& tensor) const;
    kernels::Tensor emphasized(const kernels::Tensor& states, std::span<const float> weights,
                               std::span<const int64_t> times, std::span<const float> empty) const;
    PromptEmbeddings zerosLike(const PromptEmbeddings& told) const;

    kernels::Device& m_device;
    kernels::DType m_compute;
    std::vector<TextEncoder> m_encoders; // SD: one, SDXL: two, its refiner: the second
    int64_t m_pooledWidth = 0;
    ClipTextOptions m_options; // where the request does not say
    bool m_zerosForEmpty = false;
};

} // namespace kinora::pipelines
