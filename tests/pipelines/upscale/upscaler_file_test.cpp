#include "pipelines/upscale/upscaler_file.h"
#include "tests/support/golden_file.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>

#include <string>

using namespace kinora;
using namespace kinora::pipelines;

namespace {

UpscalerConfig configOf(const char* name) {
    return UpscalerFile(test::goldenPath(std::string("upscalers/") + name)).config();
}

} // namespace

TEST_CASE("what a file is, is told by its tensors") {
    const UpscalerConfig four = configOf("esrgan-x4-oldest.pth");
    CHECK(upscalerKindName(*four.kind) == std::string("ESRGAN"));
    CHECK(four.scale == 4);
    CHECK(four.features == 8);
    CHECK(four.growth == 4);
    CHECK(four.blocks == 2);
    CHECK(four.unshuffle == 1);
    CHECK(configOf("esrgan-x8-oldest.safetensors").scale == 8);
    const UpscalerConfig two = configOf("real-esrgan-x2.pth");
    CHECK(two.scale == 2);
    CHECK(two.unshuffle == 2);
    const UpscalerConfig compact = configOf("compact-x4.pth");
    CHECK(upscalerKindName(*compact.kind) == std::string("Real-ESRGAN compact"));
    CHECK(compact.scale == 4);
    CHECK(compact.blocks == 3);
}

TEST_CASE("what is no upscaler is refused by name") {
    const auto read = [](const std::string& name) {
        return test::thrownBy([&] { UpscalerFile(test::goldenPath(name)); });
    };
    CHECK(read("tiny-sd1.safetensors")
              .starts_with("unsupported: tiny-sd1.safetensors: is no upscaler"));
    CHECK(read("upscalers/nothing.pth").starts_with("not-found: "));
    CHECK(read("upscalers/VERSIONS").starts_with("bad-file: "));
}
