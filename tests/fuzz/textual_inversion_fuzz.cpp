// A textual inversion of any content, against models of one and of two text encoders.

#include "pipelines/weights/textual_inversion.h"
#include "tests/fuzz/fuzz_file.h"

#include <string>

using namespace kinora;
using namespace kinora::pipelines;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const Model models[] = {
        Model::open(std::string(KINORA_SOURCE_DIR) + "/tests/golden/data/tiny-sd1"),
        Model::open(std::string(KINORA_SOURCE_DIR) + "/tests/golden/data/tiny-xl")};
    fuzz::MemoryFile memory(fuzz::text(data, size));
    fuzz::errorsAreAnswers([&] {
        const TextualInversion file(memory.path());
        for (const Model& model : models)
            fuzz::errorsAreAnswers([&] {
                file.checkFits(model);
                for (const char* component : {"text_encoder", "text_encoder_2"}) {
                    const LearntVectors& vectors = file.vectorsFor(component);
                    for (int64_t row = 0; row < vectors.count; ++row) vectors.row(row);
                }
            });
    });
    return 0;
}
