#pragma once
// Weighted texts as the chunks of tokens that a text encoder reads one by one: prompts of any
// length. Sources: the published rules of AUTOMATIC1111's web UI and of ComfyUI.

#include "pipelines/text/clip_tokenizer.h"
#include "pipelines/text/prompt_syntax.h"

#include <cstdint>
#include <vector>

namespace kinora::pipelines {

// Start token, tokens, end token, padding: the tokenizer's maxLength() in all, each with a weight.
struct PromptChunk {
    std::vector<int32_t> ids;
    std::vector<float> weights;
};

// At least one chunk; an empty text is one without tokens. Where a chunk is full, A1111 moves what
// follows the last comma into the next one if that is at most 20 tokens; ComfyUI keeps parts of
// fewer than 8 tokens whole. Plain reads the first chunk alone and cuts the rest off.
// Throws Error{InvalidArgument} where the text is not UTF-8.
std::vector<PromptChunk> promptChunks(const std::vector<PromptPart>& parts, PromptSyntax syntax,
                                      const ClipTokenizer& tokenizer);

} // namespace kinora::pipelines
