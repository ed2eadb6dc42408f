#include "pipelines/schedulers/training_noise.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>

using namespace kinora::pipelines;
using nlohmann::json;

namespace {

std::vector<float> alphas(const json& config, ZeroSnr zeroSnr = ZeroSnr::Keep) {
    return cumulativeAlphas(SchedulerConfig(config, "Test", "s.json"), {}, zeroSnr);
}

const json kStableDiffusion = {
    {"beta_start", 0.00085}, {"beta_end", 0.012}, {"beta_schedule", "scaled_linear"}};

} // namespace

TEST_CASE("Stable Diffusion's cumulative alphas have their known ends") {
    // alphas_cumprod[0], [500] and [999] of any SD 1.x pipeline.
    const auto found = alphas(kStableDiffusion);
    REQUIRE(found.size() == 1000);
    CHECK(found[0] == doctest::Approx(0.99915).epsilon(1e-7));
    CHECK(found[500] == doctest::Approx(0.276332468).epsilon(1e-6));
    CHECK(found[999] == doctest::Approx(0.004660095).epsilon(1e-8));
}

TEST_CASE("rescaling brings the end to zero and leaves the start") {
    json config = kStableDiffusion;
    config["rescale_betas_zero_snr"] = true;
    const auto found = alphas(config);
    CHECK(found.front() == doctest::Approx(0.99915).epsilon(1e-6));
    CHECK(found.back() == 0);
    CHECK(alphas(config, ZeroSnr::Lift).back() == 0x1p-24f);
    CHECK(alphas(kStableDiffusion, ZeroSnr::Lift).back() > 0.004f);
}

TEST_CASE("given betas are taken as they are") {
    const auto found = alphas({{"num_train_timesteps", 3}, {"trained_betas", {0.5, 0.5, 0.25}}});
    CHECK((found == std::vector<float>{0.5f, 0.25f, 0.1875f}));
    const auto sigmas = trainingSigmas(SchedulerConfig(json::object(), "Test", "s.json"), found);
    CHECK(sigmas[0] == 1);
    CHECK(sigmas[1] == doctest::Approx(std::sqrt(3.0)));
}
