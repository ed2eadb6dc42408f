// A whole file of torch.save, archive or old: it may only throw Error, and what it names can be
// read.

#include "pipelines/weights/pickle/pickled_weights.h"
#include "tests/fuzz/fuzz_file.h"

#include <algorithm>
#include <vector>

using namespace kinora;

constexpr int64_t kMostValues = 1024;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::MemoryFile memory(fuzz::text(data, size));
    fuzz::errorsAreAnswers([&] {
        pipelines::PickledWeights file(memory.path(), "file");
        for (const std::string& name : file.names()) {
            auto tensor = file.find(name, {});
            fuzz::require(tensor.has_value(), "a name that is listed is found");
            std::vector<float> values(
                static_cast<size_t>(std::min(tensor->shape.elements(), kMostValues)));
            file.read(name, 0, values);
        }
    });
    return 0;
}
