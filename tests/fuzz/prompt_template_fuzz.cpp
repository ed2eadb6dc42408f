// A prompt with choices.

#include "core/project/prompt_template.h"
#include "tests/fuzz/fuzz_support.h"

using namespace kinora;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::errorsAreAnswers([&] {
        core::Wildcards wildcards{std::filesystem::path()};
        const core::PromptTemplate prompt(fuzz::text(data, size), wildcards);
        core::SplitMix random(1);
        (void)prompt.draw(random);
        (void)prompt.all(1000);
    });
    return 0;
}
