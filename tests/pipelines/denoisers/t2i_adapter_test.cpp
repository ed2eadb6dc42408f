// Configs; that the adapters compute as the reference's is tested in
// tests/pipelines/image/control_nets_test.cpp.

#include "pipelines/denoisers/t2i_adapter.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>

using namespace kinora;
using namespace kinora::pipelines;
using nlohmann::json;
using test::contains;
using test::thrownBy;

TEST_CASE("an adapter's config says its levels and how it reads the picture") {
    const auto usual = T2iAdapterConfig::fromJson(json::object(), "config.json");
    CHECK(usual.kind == T2iAdapterKind::Full);
    CHECK(usual.factor == 8);
    CHECK((usual.channels == std::vector<int64_t>{320, 640, 1280, 1280}));
    const auto xl = T2iAdapterConfig::fromJson(
        {{"adapter_type", "full_adapter_xl"}, {"downscale_factor", 16}, {"in_channels", 1}},
        "config.json");
    CHECK(xl.kind == T2iAdapterKind::FullXl);
    CHECK(xl.factor == 16);
    CHECK(xl.pictureChannels == 1);
    const auto light =
        T2iAdapterConfig::fromJson({{"adapter_type", "light_adapter"}}, "config.json");
    CHECK(light.kind == T2iAdapterKind::Light);
}

TEST_CASE("an adapter's config that is not followed is refused by key") {
    const auto refusal = [](const json& config) {
        return thrownBy([&] { T2iAdapterConfig::fromJson(config, "config.json"); });
    };
    CHECK(contains(refusal({{"adapter_type", "heavy_adapter"}}),
                   "unsupported: config.json: \"adapter_type\""));
    CHECK(contains(refusal({{"adapter_type", "light_adapter"}, {"channels", {8, 2}}}), "channels"));
    CHECK(contains(refusal({{"in_channels", 2}}), "in_channels"));
    CHECK(contains(refusal({{"downscale_factor", 0}}), "bad-file: "));
    CHECK(contains(refusal({{"something_new", 1}}), "something_new"));
}
