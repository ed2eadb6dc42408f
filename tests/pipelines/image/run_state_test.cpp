// Interrupted runs: every sampler goes on, from after every step, to the bytes of a run that was
// left alone.
#include "kernels/backend/registry.h"
#include "kernels/base/error.h"
#include "kernels/cpu/cpu_backend.h"
#include "pipelines/image/resolve_request.h"
#include "pipelines/image/run_state.h"
#include "pipelines/image/text_to_image.h"
#include "tests/support/golden_file.h"
#include "tests/support/temporary_folder.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;
using kernels::Shape;

namespace {

struct Offer {
    RunMoment moment;
    RunState state;
};

// What a run gives: the pixels of each picture, the file of latents, the states that it offered.
struct Outcome {
    std::map<int64_t, std::vector<float>> pictures;
    std::string latents;
    std::vector<Offer> offers;
};

class Runs {
  public:
    explicit Runs(const char* model) : m_model(Model::open(test::goldenPath(model))) {
        m_backends.add(kernels::cpuBackend());
        m_device = m_backends.open("cpu", {.threads = 2});
        m_pipeline = std::make_unique<TextToImage>(m_model, *m_device, DType::F32);
    }

    ImageRequest resolve(const ImageRequest& request) const {
        return resolveRequest(request, m_model);
    }

    Outcome run(ImageRequest request, const RunState* from = nullptr) {
        const auto path = m_folder.path() / "latents.safetensors";
        if (!request.saveLatentsPath.empty()) request.saveLatentsPath = path.string();
        Outcome outcome;
        TextToImageEvents events;
        events.picture = [&](int64_t picture, const kernels::Tensor& image) {
            CHECK(outcome.pictures.emplace(picture, m_device->toHost<float>(image)).second);
        };
        events.state = [&](RunMoment moment, const auto& state) {
            outcome.offers.push_back({moment, state()});
        };
        m_pipeline->run(resolve(request), events, from);
        if (std::ifstream file(path, std::ios::binary); file)
            outcome.latents = {std::istreambuf_iterator<char>(file), {}};
        std::filesystem::remove(path);
        return outcome;
    }

    void checkState(const ImageRequest& request, const RunState& state) const {
        m_pipeline->checkState(resolve(request), state);
    }

  private:
    test::TemporaryFolder m_folder;
    Model m_model;
    kernels::BackendRegistry m_backends;
    std::unique_ptr<kernels::Device> m_device;
    std::unique_ptr<TextToImage> m_pipeline;
};

ImageRequest smallRequest() {
    ImageRequest request;
    request.prompt = "a red apple";
    request.seed = 5;
    request.steps = 6; // enough for every history to fill up
    request.width = request.height = 16;
    return request;
}

// Goes on from each state that a whole run offered.
void checkEveryInterruption(Runs& runs, const ImageRequest& request) {
    const Outcome whole = runs.run(request);
    REQUIRE(whole.pictures.size() == static_cast<size_t>(request.count));
    REQUIRE(!whole.offers.empty());
    for (size_t i = 0; i < whole.offers.size(); ++i) {
        const RunState& state = whole.offers[i].state;
        CAPTURE(state.first);
        CAPTURE(state.calls);
        const Outcome rest = runs.run(request, &state);
        CHECK(rest.pictures.begin()->first == state.first);
        for (const auto& [picture, pixels] : whole.pictures)
            if (picture >= state.first) CHECK((rest.pictures.at(picture) == pixels));
        CHECK(rest.pictures.size() == static_cast<size_t>(request.count - state.first));
        CHECK((rest.latents == whole.latents));
        // What it offers from there on is what the whole run offered.
        REQUIRE(rest.offers.size() == whole.offers.size() - i - 1);
        for (size_t later = 0; later < rest.offers.size(); ++later)
            CHECK((rest.offers[later].state == whole.offers[i + 1 + later].state));
    }
}

} // namespace

TEST_CASE("every sampler goes on from after every step to the same bytes") {
    Runs runs("tiny-sd1");
    for (const SchedulerInfo& sampler : schedulers()) {
        for (const char* noise : {"torch-cpu", "philox"}) {
            CAPTURE(sampler.name);
            CAPTURE(noise);
            ImageRequest request = smallRequest();
            request.sampler = std::string(sampler.name);
            request.noise = noise;
            request.saveLatentsPath = "yes";
            if (sampler.name == "ddim") request.eta = 0.7; // it draws noise then
            checkEveryInterruption(runs, request);
        }
    }
}

TEST_CASE("a batch goes on, and the batches after it; earlier pictures are not made again") {
    Runs runs("tiny-sd1");
    for (const int64_t batch : {1, 2, 3}) {
        CAPTURE(batch);
        ImageRequest request = smallRequest();
        request.sampler = "euler_a";
        request.steps = 2;
        request.count = 3;
        request.batch = batch;
        request.saveLatentsPath = "yes";
        checkEveryInterruption(runs, request);
    }
}

TEST_CASE("a distilled model goes on too") {
    Runs runs("tiny-lcm");
    checkEveryInterruption(runs, smallRequest());
}

TEST_CASE("a state is offered after each step, before decoding and when a later batch begins") {
    Runs runs("tiny-sd1");
    ImageRequest request = smallRequest();
    request.sampler = "ddim";
    request.steps = 2;
    request.count = 3;
    request.batch = 2;
    std::vector<std::string> found;
    for (const auto& [moment, state] : runs.run(request).offers)
        found.push_back(std::to_string(static_cast<int>(moment)) + ": " +
                        std::to_string(state.first) + "+" + std::to_string(state.pictures) + ", " +
                        std::to_string(state.calls));
    CHECK(found == std::vector<std::string>{"0: 0+2, 1", "1: 0+2, 2", "2: 2+1, 0", "0: 2+1, 1",
                                            "1: 2+1, 2"});
}

TEST_CASE("a state that does not fit the request is refused in words") {
    Runs runs("tiny-sd1");
    ImageRequest request = smallRequest();
    request.sampler = "dpmpp_2m";
    request.count = 3;
    request.batch = 2;
    request.saveLatentsPath = "yes";
    const auto offers = runs.run(request).offers;
    const RunState good = offers.back().state; // of picture 2, alone in its batch
    REQUIRE(good.first == 2);
    REQUIRE(good.history.at(0).defined());
    CHECK_NOTHROW(runs.checkState(request, good));

    const auto refused = [&](const char* words, auto change) {
        RunState bad = good;
        change(bad);
        CHECK_THROWS_WITH_AS(runs.checkState(request, bad), doctest::Contains(words), Error);
        CHECK_THROWS_AS(runs.run(request, &bad), Error);
    };
    refused("picture 1 does not begin a batch", [](RunState& s) { s.first = 1; });
    refused("picture 4 does not begin a batch", [](RunState& s) { s.first = 4; });
    refused("picture -2 does not begin a batch", [](RunState& s) { s.first = -2; });
    refused("a batch of 2", [](RunState& s) { s.pictures = 2; });
    refused("it has done 7 of 6 steps", [](RunState& s) { s.calls = 7; });
    refused("it has done -1 of 6 steps", [](RunState& s) { s.calls = -1; });
    refused("has taken 7 steps in 6", [](RunState& s) { s.stepsTaken = 7; });
    refused("has taken -1 steps", [](RunState& s) { s.stepsTaken = -1; });
    refused("remembers 3 predictions, not 2", [](RunState& s) { s.history.pop_back(); });
    refused("the latents are", [](RunState& s) { s.latents.shape = s.latents.shape.with(1, 1); });
    refused("the latents are", [](RunState& s) { s.latents.values.pop_back(); });
    refused("not a number", [](RunState& s) { s.latents.values.back() = std::nanf(""); });
    refused("the sampler's predictions are", [](RunState& s) { s.history[0].values.push_back(0); });
    refused("2 pictures, not of 1", [](RunState& s) { s.noise.push_back(s.noise[0]); });
    refused("not one of the torch-cpu generator", [](RunState& s) { s.noise[0].pop_back(); });
    refused("latents of earlier pictures", [](RunState& s) { s.finalLatents = {}; });

    ImageRequest unsaved = request;
    unsaved.saveLatentsPath.clear();
    CHECK_THROWS_WITH_AS(runs.checkState(unsaved, good),
                         doctest::Contains("has latents of earlier pictures"), Error);
}
