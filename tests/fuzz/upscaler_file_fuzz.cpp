// An upscaler of any content: what it is told to be is built on the meta back end.

#include "kernels/base/error.h"
#include "kernels/meta/meta_backend.h"
#include "pipelines/upscale/upscaler.h"
#include "tests/fuzz/fuzz_file.h"

using namespace kinora;
using namespace kinora::pipelines;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::MemoryFile memory(fuzz::text(data, size));
    fuzz::errorsAreAnswers([&] {
        const UpscalerFile file(memory.path());
        kernels::Device device(kernels::metaBackend(), {.ordinal = 0, .threads = 1});
        const Upscaler upscaler(file, device, kernels::DType::F32);
        const HostPicture large = upscaler({70, 30, {}}, Upscaler::kLeastTile);
        fuzz::require(large.width == 70 * file.config().scale, "the width is as the scale says");
    });
    return 0;
}
