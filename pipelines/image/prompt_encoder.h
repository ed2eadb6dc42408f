#pragma once
// Turns the prompts of a request into what the denoiser is told. The tokenizers and the text
// encoders of a model live here: nothing else knows how many there are.
//
//     PromptEncoder prompts(loader, device, DType::F32);
//     PromptEmbeddings told = prompts.encode(request, Guidance::On);
//
// One thread, the one that drives the device.

#include "kernels/tensor/tensor.h"
#include "pipelines/image/component_loader.h"
#include "pipelines/request/image_request.h"
#include "pipelines/text/clip_text_model.h"
#include "pipelines/text/clip_tokenizer.h"

#include <string>
#include <vector>

namespace kinora::pipelines {

enum class Guidance { Off, On }; // On: the negative prompt is encoded too

// One row for each prompt: with guidance the negative one first.
struct PromptEmbeddings {
    kernels::Tensor embeddings; // [1 or 2, L, width()] in the compute dtype
    kernels::Tensor pooled;     // [1 or 2, pooledWidth()] f32; undefined where that is 0
};

class PromptEncoder {
  public:
    // Loads the model's text encoders. Throws Error{BadFile, Unsupported, NotFound, OutOfMemory},
    // Cancelled; Error{BadFile} where tokenizers and encoders do not fit together.
    PromptEncoder(ComponentLoader& loader, kernels::Device& device, kernels::DType compute);

    // Throws Error{InvalidArgument} on a clip skip that an encoder has no layers for,
    // Error{NonFinite}, Cancelled.
    PromptEmbeddings encode(const ImageRequest& request, Guidance guidance) const;

    int64_t width() const;       // of the embeddings: of all encoders together
    int64_t pooledWidth() const; // 0 where no encoder gives a pooled embedding

  private:
    struct TextEncoder {
        ClipTokenizer tokenizer;
        ClipTextModel model;
    };
    void add(ComponentLoader& loader, const std::string& suffix);
    std::vector<int32_t> tokenize(const TextEncoder& encoder, const std::string& text,
                                  const char* which) const;
    void putZerosFirst(PromptEmbeddings& told) const;

    kernels::Device& m_device;
    kernels::DType m_compute;
    std::vector<TextEncoder> m_encoders; // SD: one, SDXL: two, its refiner: the second
    int64_t m_pooledWidth = 0;
    ClipTextOptions m_options; // where the request does not say
    bool m_zerosForEmpty = false;
};

} // namespace kinora::pipelines
