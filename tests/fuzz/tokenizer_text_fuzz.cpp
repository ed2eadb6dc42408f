// Prompts of any bytes through the starter model's tokenizer.

#include "pipelines/text/clip_tokenizer.h"
#include "tests/fuzz/fuzz_support.h"

using namespace kinora;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const auto tokenizer = pipelines::ClipTokenizer::load(
        KINORA_SOURCE_DIR "/resources/models/starter-image/tokenizer");
    const std::string_view text = fuzz::text(data, size);
    bool refused = false;
    fuzz::errorsAreAnswers([&] {
        refused = true;
        for (int32_t id : tokenizer.encode(text)) {
            fuzz::require(id >= 0 && id < tokenizer.vocabularySize(), "ids are of the vocabulary");
        }
        auto padded = tokenizer.encodePadded(text);
        fuzz::require(padded.size() == static_cast<size_t>(tokenizer.maxLength()),
                      "a padded prompt has the model's length");
        fuzz::require(padded.front() == tokenizer.startToken(), "a prompt begins with its mark");
        refused = false;
    });
    fuzz::require(refused != isValidUtf8(text), "every UTF-8 text is taken, and nothing else");
    return 0;
}
