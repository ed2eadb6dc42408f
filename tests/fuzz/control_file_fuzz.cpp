// A ControlNet or T2I-Adapter of any content, opened for a small denoiser, built where nothing is
// computed.

#include "kernels/base/error.h"
#include "kernels/meta/meta_backend.h"
#include "pipelines/denoisers/control_net.h"
#include "pipelines/denoisers/t2i_adapter.h"
#include "pipelines/weights/control_file.h"
#include "pipelines/weights/incomplete_weights.h"
#include "tests/fuzz/fuzz_file.h"

#include <nlohmann/json.hpp>

using namespace kinora;
using namespace kinora::pipelines;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    static const nlohmann::json denoiser = {
        {"block_out_channels", {4, 8}},
        {"down_block_types", {"CrossAttnDownBlock2D", "DownBlock2D"}},
        {"layers_per_block", 1},
        {"attention_head_dim", 2},
        {"norm_num_groups", 2},
        {"cross_attention_dim", 6}};
    fuzz::MemoryFile memory(fuzz::text(data, size));
    fuzz::errorsAreAnswers([&] {
        const ControlFile file(memory.path());
        const nlohmann::json config = file.config(denoiser);
        const IncompleteWeights source(file.weights(config));
        kernels::Device device(kernels::metaBackend(), {});
        const Weights weights(source, device, kernels::DType::F32);
        if (file.kind() == ControlKind::ControlNet)
            ControlNet(ControlNetConfig::fromJson(config, file.label()), weights);
        else
            T2iAdapter(T2iAdapterConfig::fromJson(config, file.label()), weights);
        source.throwIfAnyMissing();
    });
    return 0;
}
