// The files of a tokenizer's folder, in this order, with a zero byte between: vocab.json,
// merges.txt, tokenizer_config.json, tokenizer.json. An empty one is not there.

#include "pipelines/text/clip_tokenizer.h"
#include "tests/fuzz/fuzz_folder.h"

#include <algorithm>

using namespace kinora;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const fuzz::Folder folder;
    std::string_view rest = fuzz::text(data, size);
    for (const char* name :
         {"vocab.json", "merges.txt", "tokenizer_config.json", "tokenizer.json"}) {
        const size_t end = std::min(rest.find('\0'), rest.size());
        folder.write(name, rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    fuzz::errorsAreAnswers([&] {
        auto tokenizer = pipelines::ClipTokenizer::load(folder.path());
        for (const char* text : {"", "a red apple's 42 \xc3\xa9", "aab <|endoftext|>"}) {
            auto padded = tokenizer.encodePadded(text);
            fuzz::require(padded.size() == static_cast<size_t>(tokenizer.maxLength()),
                          "a padded prompt has the model's length");
            for (int32_t id : padded) {
                fuzz::require(id >= 0 && id < tokenizer.vocabularySize(),
                              "ids are of the vocabulary");
            }
        }
    });
    return 0;
}
