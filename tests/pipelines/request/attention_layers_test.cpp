#include "pipelines/request/attention_layers.h"

#include <doctest/doctest.h>

#include <string>

using namespace kinora::pipelines;

TEST_CASE("layers are paths of a denoiser or one block of them") {
    const auto layers = parseAttentionLayers("mid,down.1,up");
    REQUIRE(layers.has_value());
    REQUIRE(layers->size() == 3);
    CHECK((*layers)[0].covers(DenoiserPath::Middle, 0));
    CHECK(!(*layers)[0].covers(DenoiserPath::Up, 0));
    CHECK((*layers)[1].covers(DenoiserPath::Down, 1));
    CHECK(!(*layers)[1].covers(DenoiserPath::Down, 0));
    CHECK((*layers)[2].covers(DenoiserPath::Up, 3));
    CHECK(toText((*layers)[1]) == "down.1");
    CHECK(toText((*layers)[0]) == "mid");
}

TEST_CASE("other names are no layers") {
    for (const char* text : {"", "middle", "mid.0", "down.", "down.x", "down.1.2", "up.-1", "up.64",
                             "mid,", ",mid", "mid down", "up.99999999999999999999"}) {
        CAPTURE(std::string(text));
        CHECK(!parseAttentionLayers(text).has_value());
    }
}
