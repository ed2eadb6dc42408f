#include "pipelines/blocks/activation_name.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace kinora::pipelines;
using kinora::kernels::Activation;
using kinora::test::thrownBy;
using nlohmann::json;

TEST_CASE("activations are known by the names that configs use") {
    const std::pair<const char*, Activation> names[] = {{"silu", Activation::Silu},
                                                        {"swish", Activation::Silu},
                                                        {"gelu", Activation::Gelu},
                                                        {"gelu_new", Activation::GeluTanh},
                                                        {"quick_gelu", Activation::QuickGelu},
                                                        {"relu", Activation::Relu},
                                                        {"mish", Activation::Mish},
                                                        {"gelu_fast", Activation::GeluTanh},
                                                        {"linear", Activation::None}};
    for (const auto& [name, activation] : names) {
        const json config = {{"act_fn", name}};
        ConfigReader reader(config, "c.json");
        CHECK(readActivation(reader, "act_fn", "prelu") == activation);
        CHECK(readActivation(reader, "absent", name) == activation);
    }
    const json config = {{"act_fn", "prelu"}};
    ConfigReader reader(config, "c.json");
    CHECK(thrownBy([&] { readActivation(reader, "act_fn", "silu"); }) ==
          "unsupported: c.json: \"act_fn\": \"prelu\" is not supported.");
}
