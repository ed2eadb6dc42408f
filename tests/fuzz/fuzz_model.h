#pragma once
// Configs are not only read but run: a config that is accepted must build a network of random
// weights and compute on the meta back end (shapes without numbers), or say why it cannot.

#include "kernels/backend/registry.h"
#include "kernels/meta/meta_backend.h"
#include "pipelines/weights/json_text.h"
#include "pipelines/weights/random_weights.h"
#include "pipelines/weights/weights.h"
#include "tests/fuzz/fuzz_support.h"

#include <nlohmann/json.hpp>

#include <memory>

namespace kinora::fuzz {

// run(const json& config, Device&, const Weights&).
template <typename Run> void runConfig(const uint8_t* data, size_t size, Run run) {
    errorsAreAnswers([&] {
        nlohmann::json config = pipelines::parseJsonObject(text(data, size), "config.json");
        kernels::BackendRegistry backends;
        backends.add(kernels::metaBackend());
        std::unique_ptr<kernels::Device> device = backends.open("meta");
        pipelines::RandomWeights source;
        pipelines::Weights weights(source, *device, kernels::DType::F32);
        run(config, *device, weights);
    });
}

} // namespace kinora::fuzz
