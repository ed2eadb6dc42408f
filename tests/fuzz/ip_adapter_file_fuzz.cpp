// An IP-Adapter, or a picture encoder, of any content: what it is told to be is built on the meta
// back end.

#include "kernels/base/error.h"
#include "kernels/meta/meta_backend.h"
#include "pipelines/vision/clip_vision_file.h"
#include "pipelines/vision/picture_projection.h"
#include "tests/fuzz/fuzz_file.h"

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::MemoryFile memory(fuzz::text(data, size));
    kernels::Device device(kernels::metaBackend(), {.ordinal = 0, .threads = 1});
    fuzz::errorsAreAnswers([&] {
        const IpAdapterFile file(memory.path());
        const auto projection =
            makePictureProjection(file, Weights(file.weights(), device, DType::F32));
        const kernels::Tensor states = device.empty({1, 3, file.pictureWidth()}, DType::F32);
        const kernels::Tensor pooled = device.empty({1, file.pictureWidth()}, DType::F32);
        const kernels::Tensor tokens = (*projection)({states, pooled});
        fuzz::require(tokens.dim(2) == file.tokenWidth(), "tokens are as wide as the file says");
    });
    fuzz::errorsAreAnswers([&] {
        const ClipVisionFile file(memory.path());
        const ClipVisionModel model(file.config(), Weights(file.weights(), device, DType::F32));
        const int64_t side = file.config().imageSize;
        model(device.empty({1, side, side, 3}, DType::F32));
    });
    return 0;
}
