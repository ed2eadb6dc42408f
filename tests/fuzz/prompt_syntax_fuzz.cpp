// Prompts of any bytes through the languages of the web UIs.

#include "pipelines/text/prompt_schedule.h"
#include "pipelines/text/prompt_syntax.h"
#include "tests/fuzz/fuzz_support.h"

#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text = fuzz::text(data, size);
    fuzz::require(!parseA1111(text).empty(), "a prompt has a part");
    fuzz::require(!parseComfy(text).empty(), "a prompt has a part");
    fuzz::require(!splitJoint(text).empty(), "a prompt is joined of one or more");
    std::vector<LoraMention> loras;
    const std::string left = takeLoras(text, loras);
    fuzz::require(!loras.empty() || left == text, "what is no LoRA stays");
    constexpr int64_t kCalls = 7;
    const PromptSchedule schedule = promptSchedule(text, kCalls);
    fuzz::require(schedule.entries.back().lastCall == kCalls, "a schedule goes to the end");
    for (int64_t call = 0; call <= kCalls; ++call)
        fuzz::require(schedule.textAt(call) < schedule.texts.size(), "each call has a text");
    if (!usesPromptSyntax(text))
        fuzz::require(!schedule.isScheduled && loras.empty(), "a plain text has no syntax");
    return 0;
}
