// Prompts of any bytes through the languages of the web UIs.

#include "kernels/base/error.h"
#include "pipelines/text/prompt_schedule.h"
#include "pipelines/text/prompt_syntax.h"
#include "tests/fuzz/fuzz_support.h"

#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;

namespace {

// One at least, but where brackets are too deep or weights too large.
void requireParts(const auto& read) {
    try {
        fuzz::require(!read().empty(), "a prompt has a part");
    } catch (const Error& error) {
        fuzz::require(error.code() == ErrorCode::InvalidArgument, "the prompt is what is wrong");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text = fuzz::text(data, size);
    requireParts([&] { return parseA1111(text); });
    requireParts([&] { return parseComfy(text); });
    requireParts([&] { return splitJoint(text); });
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
