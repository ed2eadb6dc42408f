#pragma once
// Weighted texts as the chunks of tokens that a text encoder reads one by one: prompts of any
// length. Sources: the published rules of AUTOMATIC1111's web UI and of ComfyUI.

#include "pipelines/text/clip_tokenizer.h"
#include "pipelines/text/learnt_words.h"
#include "pipelines/text/prompt_syntax.h"

#include <cstdint>
#include <vector>

namespace kinora::pipelines {

// Start token, tokens, end token, padding: the tokenizer's maxLength() in all, each with a weight.
struct PromptChunk {
    std::vector<int32_t> ids;
    std::vector<float> weights;
    struct Learnt { // a place where a learnt vector stands; its id there is 0
        size_t at;
        size_t word; // of those that were given
        int64_t vector;
    };
    std::vector<Learnt> learnt; // by their places
};

// At least one chunk; an empty text is one without tokens. Where a chunk is full, A1111 moves what
// follows the last comma into the next one if that is at most 20 tokens; ComfyUI keeps parts of
// fewer than 8 tokens whole. Plain reads the first chunk alone and cuts the rest off.
// The vectors of a learnt word are never parted: they begin a chunk where they do not fit.
// Throws Error{InvalidArgument} where the text is not UTF-8, or a word has more vectors than a
// chunk has places.
std::vector<PromptChunk> promptChunks(const std::vector<PromptPart>& parts, PromptSyntax syntax,
                                      const ClipTokenizer& tokenizer,
                                      std::span<const LearntWord> words = {});

} // namespace kinora::pipelines
