// Whole runs in parts and in windows against diffusers: numbers from
// tests/golden/generate_refiner.py and generate_windows.py.

#include "pipelines/image/resolve_request.h"
#include "pipelines/image/text_to_image.h"
#include "pipelines/request/parameters.h"
#include "pipelines/weights/safetensors.h"
#include "tests/pipelines/image/golden_corner.h"
#include "tests/support/golden_file.h"
#include "tests/support/model_parts.h"
#include "tests/support/temporary_folder.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;

namespace {

constexpr double kTolerance = 1e-4;

class Run {
  public:
    explicit Run(const std::string& model)
        : m_model(Model::open(test::goldenPath(model))),
          m_device(test::allBackends().open("cpu", {.threads = 2})),
          m_pipeline(m_model, *m_device, DType::F32) {}

    ImageRequest resolved(const nlohmann::json& how) const {
        return resolveRequest(imageRequestFromJson(how), m_model);
    }
    std::vector<BegunBatch> begin(const nlohmann::json& how, double to) {
        std::vector<BegunBatch> begun;
        TextToImageEvents events;
        events.handOver = [&](BegunBatch batch) { begun.push_back(std::move(batch)); };
        events.step = [&](int64_t, int64_t step, int64_t steps) { m_last = {step, steps}; };
        events.picture = [](int64_t, const kernels::Tensor&) { FAIL("decoded"); };
        RunInputs inputs;
        inputs.part.to = to;
        if (const ImageRequest request = resolved(how); !request.initPath.empty())
            inputs.init = test::cornerOf(test::GoldenFile("control/pictures.safetensors"),
                                         request.initPath, *request.width, *request.height);
        m_pipeline.run(resolved(how), events, nullptr, inputs);
        CHECK(m_last.first == m_last.second);
        CHECK(m_last.second == m_pipeline.callsIn(resolved(how), inputs.part));
        return begun;
    }
    std::vector<float> finish(const nlohmann::json& how, const RunInputs& inputs = {}) {
        const test::TemporaryFolder folder;
        ImageRequest request = resolved(how);
        request.saveLatentsPath = (folder.path() / "latents.safetensors").string();
        m_pipeline.run(request, {}, nullptr, inputs);
        const SafetensorsFile file(request.saveLatentsPath, "latents");
        std::vector<float> values(static_cast<size_t>(file.find("latents", {})->shape.elements()));
        file.read("latents", 0, values);
        return values;
    }

  private:
    Model m_model;
    std::unique_ptr<kernels::Device> m_device;
    TextToImage m_pipeline;
    std::pair<int64_t, int64_t> m_last;
};

} // namespace

TEST_CASE("a base model and a refiner give what diffusers' ensemble gives") {
    Run base("tiny-xl"), refiner("tiny-xl-refiner");
    const test::GoldenFile expected("refiner.safetensors");
    const nlohmann::json cases = test::readGoldenJson("refiner.json");
    CHECK(cases.size() == 7);
    for (const auto& [name, request] : cases.items()) {
        nlohmann::json how = request;
        const double at = how.at("refinerAt").get<double>();
        how.erase("refinerAt");
        for (const int64_t batch : {1, 2}) {
            how["batch"] = batch;
            RunInputs rest;
            rest.begun = base.begin(how, at);
            rest.part.from = at;
            nlohmann::json refined = how; // it goes on from latents
            refined.erase("init");
            refined.erase("strength");
            const double error =
                test::relativeError(refiner.finish(refined, rest), expected.floats(name));
            MESSAGE("refiner " << name << ": latents differ by " << error);
            CHECK(error <= kTolerance);
        }
    }
}

TEST_CASE("two parts of one model are one run") {
    Run model("tiny-sd1");
    const nlohmann::json how = {
        {"prompt", "a [red:green:0.5] apple"}, {"sampler", "ddim"}, {"steps", 8}, {"seed", 3}};
    RunInputs rest;
    rest.begun = model.begin(how, 0.6);
    rest.part.from = 0.6;
    CHECK(model.finish(how, rest) == model.finish(how));
}

TEST_CASE("a picture in windows is what diffusers' panorama is") {
    Run model("tiny-sd1");
    const test::GoldenFile expected("windows.safetensors");
    const nlohmann::json cases = test::readGoldenJson("windows.json");
    CHECK(cases.size() == 3);
    for (const auto& [name, how] : cases.items()) {
        const double error = test::relativeError(model.finish(how), expected.floats(name));
        MESSAGE("windows " << name << ": latents differ by " << error);
        CHECK(error <= kTolerance);
    }
    nlohmann::json whole = cases.at("unguided");
    whole.erase("denoiseTile");
    CHECK(test::relativeError(model.finish(whole), expected.floats("unguided")) > 10 * kTolerance);
}

TEST_CASE("one window is the whole") {
    Run model("tiny-sd1");
    nlohmann::json how = {{"prompt", "an apple"}, {"steps", 3}, {"seed", 3}, {"width", 64}};
    const std::vector<float> whole = model.finish(how);
    how["denoiseTile"] = 64;
    CHECK(model.finish(how) == whole);
}
