// The JSON header of a safetensors file.

#include "pipelines/weights/safetensors_header.h"
#include "tests/fuzz/fuzz_support.h"

using namespace kinora;

// As many bytes of data as the seeds' headers speak of.
constexpr uint64_t kDataBytes = 64;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::errorsAreAnswers([&] {
        auto tensors =
            pipelines::parseSafetensorsHeader(fuzz::text(data, size), kDataBytes, "file");
        uint64_t bytes = 0;
        for (size_t i = 0; i < tensors.size(); ++i) {
            fuzz::require(tensors[i].begin <= tensors[i].end && tensors[i].end <= kDataBytes,
                          "a tensor lies inside the file");
            fuzz::require(i == 0 || tensors[i - 1].name < tensors[i].name,
                          "names are sorted, each once");
            bytes += tensors[i].end - tensors[i].begin;
        }
        fuzz::require(bytes == kDataBytes, "tensors fill the file without holes or overlap");
    });
    return 0;
}
