#include "pipelines/blocks/activation_name.h"

#include <string>
#include <utility>

namespace kinora::pipelines {

kernels::Activation readActivation(ConfigReader& config, std::string_view key,
                                   std::string_view fallback) {
    using kernels::Activation;
    constexpr std::pair<std::string_view, Activation> kNames[] = {
        {"silu", Activation::Silu},
        {"swish", Activation::Silu},
        {"gelu", Activation::Gelu},
        {"gelu_new", Activation::GeluTanh},
        {"gelu_fast", Activation::GeluTanh},
        {"gelu_python", Activation::Gelu},
        {"gelu_pytorch_tanh", Activation::GeluTanh},
        {"gelu_python_tanh", Activation::GeluTanh},
        {"quick_gelu", Activation::QuickGelu},
        {"relu", Activation::Relu},
        {"mish", Activation::Mish},
        {"sigmoid", Activation::Sigmoid},
        {"tanh", Activation::Tanh},
        {"linear", Activation::None},
    };
    const std::string name = config.text(key, fallback);
    for (const auto& [text, activation] : kNames)
        if (text == name) return activation;
    config.unsupported(key);
}

} // namespace kinora::pipelines
