#include "pipelines/image/prompt_texts.h"

#include <nlohmann/json.hpp>

#include <string>
#include <utility>

namespace kinora::pipelines {

namespace {

PromptSchedule unchanging(const std::string& text, int64_t calls) {
    return {.texts = {text}, .times = {1}, .entries = {{calls, 0}}};
}

} // namespace

PromptSyntax promptSyntaxOf(const ImageRequest& request) {
    if (request.promptSyntax == "a1111") return PromptSyntax::A1111;
    if (request.promptSyntax == "comfy") return PromptSyntax::Comfy;
    if (request.promptSyntax == "plain") return PromptSyntax::Plain;
    const bool used = usesPromptSyntax(request.prompt) || usesPromptSyntax(request.negative);
    return used ? PromptSyntax::A1111 : PromptSyntax::Plain;
}

void takePromptLoras(ImageRequest& request) {
    if (promptSyntaxOf(request) != PromptSyntax::A1111) return;
    std::vector<LoraMention> loras;
    std::string left = takeLoras(request.prompt, loras);
    if (loras.empty()) return;
    for (const LoraMention& lora : loras) {
        std::string choice = lora.name + ":" + nlohmann::json(lora.weight).dump();
        if (lora.textWeight != lora.weight) choice += ":" + nlohmann::json(lora.textWeight).dump();
        if (!lora.blocks.empty()) choice += ":lbw=" + lora.blocks;
        request.loras.push_back(std::move(choice));
    }
    while (left.ends_with(' ')) left.pop_back(); // what stood before them
    request.prompt = std::move(left);
    request.promptSyntax = "a1111";
}

PromptTexts readPrompts(const ImageRequest& request, int64_t calls) {
    PromptTexts texts;
    texts.syntax = promptSyntaxOf(request);
    if (texts.syntax != PromptSyntax::A1111) {
        texts.negative.schedule = unchanging(request.negative, calls);
        texts.positive.push_back({unchanging(request.prompt, calls)});
        return texts;
    }
    texts.negative.schedule = promptSchedule(request.negative, calls);
    for (const JointPrompt& prompt : splitJoint(request.prompt))
        texts.positive.push_back({promptSchedule(prompt.text, calls), prompt.weight});
    return texts;
}

} // namespace kinora::pipelines
