#include "pipelines/vision/clip_vision_file.h"
#include "tests/support/golden_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

using namespace kinora;
using namespace kinora::pipelines;

namespace {

std::string golden(const std::string& name) {
    return test::goldenPath("ip_adapters/" + name);
}

} // namespace

TEST_CASE("an encoder fits the adapters that are as wide as what it gives") {
    const ClipVisionFile encoder(golden("image_encoder/model.safetensors"));
    CHECK(encoder.config().heads == 4);
    CHECK(encoder.config().imageSize == 30);
    CHECK(encoder.fits(IpAdapterFile(golden("base.safetensors"))));
    CHECK(encoder.fits(IpAdapterFile(golden("plus.bin"))));
    CHECK(encoder.fits(IpAdapterFile(golden("full.safetensors"))));
}

TEST_CASE("a file without a config is one of the published widths") {
    const test::TemporaryFolder folder;
    const auto alone = folder.path() / "CLIP.safetensors";
    std::filesystem::copy_file(golden("image_encoder/model.safetensors"), alone);
    CHECK(test::thrownBy([&] { ClipVisionFile{alone}; }) ==
          "unsupported: CLIP.safetensors: a picture encoder of width 32 is not one that is known "
          "here.");
    CHECK(test::contains(test::thrownBy([&] { ClipVisionFile{golden("base.safetensors")}; }),
                         "has no picture encoder of CLIP"));
}
