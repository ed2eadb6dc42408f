// Runs with pictures beside the prompt, against diffusers: cases and numbers from
// tests/golden/generate_ip_adapters.py.

#include "kernels/cpu/cpu_backend.h"
#include "pipelines/image/resolve_request.h"
#include "pipelines/image/text_to_image.h"
#include "pipelines/request/parameters.h"
#include "pipelines/weights/safetensors.h"
#include "tests/support/golden_file.h"
#include "tests/support/model_parts.h"
#include "tests/support/temporary_folder.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;
using kernels::Shape;

namespace {

const test::GoldenFile& golden() {
    static const test::GoldenFile file("ip_adapters/expected.safetensors");
    return file;
}

std::vector<float> latentsOf(TextToImage& pipeline, ImageRequest request, const RunInputs& inputs) {
    const test::TemporaryFolder folder;
    request.saveLatentsPath = (folder.path() / "latents.safetensors").string();
    pipeline.run(request, {}, nullptr, inputs);
    const SafetensorsFile file(request.saveLatentsPath, "latents");
    std::vector<float> values(static_cast<size_t>(file.find("latents", Shape{})->shape.elements()));
    file.read("latents", 0, values);
    return values;
}

struct Job {
    Model model;
    ImageRequest request;
    RunInputs inputs;
};

Job jobOf(const nlohmann::json& json) {
    Job job{Model::open(test::goldenPath(json["model"])), {}, {}};
    std::map<std::string, size_t> numbers;
    for (const auto& use : json["pictures"]) {
        const std::string name = use["adapter"];
        if (numbers.emplace(name, numbers.size()).second)
            job.model.add(
                std::make_shared<const IpAdapterFile>(test::goldenPath("ip_adapters/" + name)));
        job.inputs.prompts.push_back(
            {{Shape{30, 30, 3}, golden().floats("picture." + use["picture"].get<std::string>())},
             numbers.at(name),
             use["weight"]});
    }
    job.model.setImageEncoder(test::goldenPath("ip_adapters/image_encoder/model.safetensors"));
    job.request = resolveRequest(imageRequestFromJson(json["request"]), job.model);
    return job;
}

} // namespace

TEST_CASE("latents equal the reference's with every kind of adapter, and with two") {
    const auto device = test::allBackends().open("cpu", {.ordinal = 0, .threads = 2});
    const nlohmann::json cases = test::readGoldenJson("ip_adapters/cases.json");
    for (const auto& [name, json] : cases.items()) {
        CAPTURE(name);
        const Job job = jobOf(json);
        TextToImage pipeline(job.model, *device, DType::F32);
        const double error = test::relativeError(latentsOf(pipeline, job.request, job.inputs),
                                                 golden().floats("latents." + name));
        MESSAGE(name, ": ", error);
        CHECK(error < 1e-3);
        CHECK(pipeline.unusedTensors().empty());
    }
}

TEST_CASE("without a picture an adapter changes nothing") {
    const auto device = test::allBackends().open("cpu", {.ordinal = 0, .threads = 2});
    const Job job = jobOf(test::readGoldenJson("ip_adapters/cases.json")["base"]);
    TextToImage with(job.model, *device, DType::F32);
    const Model plain = Model::open(job.model.path());
    TextToImage without(plain, *device, DType::F32);
    CHECK(latentsOf(with, job.request, {}) == latentsOf(without, job.request, {}));
}
