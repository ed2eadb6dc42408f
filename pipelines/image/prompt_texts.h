#pragma once
// The prompts of a request as the texts that text encoders are to read: which language, what is
// joined by AND, what changes on the way.

#include "pipelines/request/image_request.h"
#include "pipelines/text/prompt_schedule.h"
#include "pipelines/text/prompt_syntax.h"

#include <cstdint>
#include <vector>

namespace kinora::pipelines {

struct PromptTexts {
    struct Prompt {
        PromptSchedule schedule;
        double weight = 1; // of its guidance
    };
    PromptSyntax syntax = PromptSyntax::Plain;
    Prompt negative;
    std::vector<Prompt> positive; // at least one
    // Without guidance a prompt of weight 1 alone needs no negative one.
    bool isOne() const { return positive.size() == 1 && positive.front().weight == 1; }
};

// "auto" is A1111's language where prompt or negative prompt use it, else plain: a prompt without
// syntax is read as the reference reads it.
PromptSyntax promptSyntaxOf(const ImageRequest& request);

// LoRAs that the prompt names in A1111's language become the request's, and the text goes without
// them; "auto" becomes "a1111" then, so that the rest is read as it would have been.
void takePromptLoras(ImageRequest& request);

// calls: of the denoiser in the run, as schedules count them.
PromptTexts readPrompts(const ImageRequest& request, int64_t calls);

} // namespace kinora::pipelines
