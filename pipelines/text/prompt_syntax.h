#pragma once
// The prompt language of the web UIs, read into values. What is no rule of the language is text.
// Sources: the published rules of AUTOMATIC1111's web UI (attention, BREAK, AND, extra networks)
// and of ComfyUI (weights).
//
//     for (const PromptPart& part : parseA1111("a (red:1.3) apple")) ...   // "a " 1, "red" 1.3 ...

#include <string>
#include <string_view>
#include <vector>

namespace kinora::pipelines {

enum class PromptSyntax { A1111, Comfy, Plain };

struct PromptPart {
    std::string text;
    double weight = 1;
    bool isBreak = false; // BREAK: what follows begins a chunk of its own; text is empty
};

// (word) weighs 1.1 times as much, (word:1.3) 1.3 times, [word] 1/1.1 times; nested they multiply.
// \( \) \[ \] \\ are letters; a lone backslash is dropped. An opening bracket that nothing closes
// holds to the end, as there; what closes nothing is text. Neighbours of equal weight are one
// part. At least one part. Throws Error{InvalidArgument} where more than 100 are open at once, and
// where a weight is beyond 100000 either way.
std::vector<PromptPart> parseA1111(std::string_view text);

// (word) weighs 1.1 times as much; (word:1.3) weighs 1.3, whatever is around it; \( \) are letters,
// brackets without a partner text. Throws Error{InvalidArgument} where a weight is beyond 100000
// either way.
std::vector<PromptPart> parseComfy(std::string_view text);

// <lora:name:0.8>, <lora:name:0.8:0.5>, <lora:name:te=0.8:unet=0.5>, <lora:name:0.8:lbw=OUTALL>,
// <lora:name:0.8:OUTALL>.
struct LoraMention {
    std::string name;
    double weight = 1;       // of the denoiser's part
    double textWeight = 1;   // of the text encoders' part
    std::string blocks = {}; // how strongly each block counts, as it is written; empty: all alike
};
// Appends them to loras and gives the text without them; in that there are none.
std::string takeLoras(std::string_view text, std::vector<LoraMention>& loras);

// "a cat AND a dog :0.5": each with its weight, 1 where none is said. Throws as parseA1111().
struct JointPrompt {
    std::string text;
    double weight = 1;
};
std::vector<JointPrompt> splitJoint(std::string_view text);

// Whether a text uses A1111's language: a closed bracket, an escaped one, BREAK, AND, a schedule
// or a LoRA. Brackets without a partner do not count.
bool usesPromptSyntax(std::string_view text);

} // namespace kinora::pipelines
