#pragma once
// Turns the prompts of a request into what the denoiser is told. The tokenizers and the text
// encoders of a model live here: nothing else knows how many there are.
//
//     PromptEncoder prompts(loader, DType::F32);
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
    kernels::Tensor embeddings; // [1 or 2, L, width] in the compute dtype
};

class PromptEncoder {
  public:
    // Loads the model's text encoders. Throws Error{BadFile, Unsupported, NotFound, OutOfMemory},
    // Cancelled; Error{BadFile} where a tokenizer has more tokens than its encoder knows.
    PromptEncoder(ComponentLoader& loader, kernels::DType compute);

    // Throws Error{InvalidArgument} on a clip skip that the encoder has no layers for,
    // Error{NonFinite}, Cancelled.
    PromptEmbeddings encode(const ImageRequest& request, Guidance guidance) const;

    int64_t width() const { return m_encoder.config().width; } // of the embeddings

  private:
    std::vector<int32_t> tokenize(const std::string& text, const char* which) const;

    kernels::DType m_compute;
    ClipTokenizer m_tokenizer;
    ClipTextModel m_encoder;
};

} // namespace kinora::pipelines
