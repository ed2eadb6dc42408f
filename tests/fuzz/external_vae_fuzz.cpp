// A file of any content as another VAE.

#include "pipelines/vae/vae.h"
#include "pipelines/weights/external_vae.h"
#include "tests/fuzz/fuzz_file.h"

#include <nlohmann/json.hpp>

using namespace kinora;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::MemoryFile memory(fuzz::text(data, size));
    fuzz::errorsAreAnswers([&] {
        const pipelines::ExternalVae vae(memory.path());
        if (!vae.config()) return;
        pipelines::readVaeConfig(*vae.config());
        const auto source = vae.weights(*vae.config());
        for (const std::string& name : source->names()) {
            const auto info = source->find(name, {});
            std::vector<float> value(info && info->shape.elements() > 0 ? 1 : 0);
            source->read(name, 0, value);
        }
    });
    return 0;
}
