// SDXL in bfloat16 against diffusers: numbers from tests/golden/generate_bf16.py.

#include "pipelines/image/resolve_request.h"
#include "pipelines/image/text_to_image.h"
#include "pipelines/request/parameters.h"
#include "pipelines/weights/safetensors.h"
#include "tests/support/golden_file.h"
#include "tests/support/model_parts.h"
#include "tests/support/temporary_folder.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;

namespace {

std::vector<float> latentsOf(const Model& model, ImageRequest request, DType compute) {
    const test::TemporaryFolder folder;
    request.saveLatentsPath = (folder.path() / "latents.safetensors").string();
    const auto device = test::allBackends().open("cpu", {.threads = 2});
    TextToImage(model, *device, compute).run(resolveRequest(request, model), {});
    const SafetensorsFile file(request.saveLatentsPath, "latents");
    std::vector<float> values(static_cast<size_t>(file.find("latents", {})->shape.elements()));
    file.read("latents", 0, values);
    return values;
}

} // namespace

// How far a run in bfloat16 may be from one in float32 has no number of its own: it grows with
// steps and guidance. The reference's own distance is the measure. Both are the largest of many
// roundings that fall differently, so that one may be half as large again as the other.
TEST_CASE("bfloat16 is about as far from float32 as the reference's bfloat16 is") {
    constexpr double kSpread = 1.5;
    if (test::allBackends().find("cpu").supports(0, DType::BF16) != kernels::Status::Ok) {
        MESSAGE("not compared: this CPU does not compute in bf16");
        return;
    }
    for (const std::string name : {"xl", "xl-dpmpp", "xl-odd"}) {
        CAPTURE(name);
        const nlohmann::json golden = test::readGoldenJson("bf16/" + name + ".json");
        const test::GoldenFile file("bf16/" + name + ".safetensors");
        const std::vector<float> expected = file.floats("latents");
        const Model model = Model::open(std::filesystem::path(KINORA_SOURCE_DIR) /
                                        golden.at("model").get<std::string>());
        const ImageRequest request = imageRequestFromJson(golden.at("request"));
        CHECK(test::relativeError(latentsOf(model, request, DType::F32), expected) < 1e-4);
        const double ours = test::relativeError(latentsOf(model, request, DType::BF16), expected);
        const double theirs = test::relativeError(file.floats("bf16"), expected);
        MESSAGE("bf16 " << name << ": latents differ by " << ours << ", the reference's by "
                        << theirs);
        CHECK(ours > 0);
        CHECK(ours <= kSpread * theirs);
    }
}
