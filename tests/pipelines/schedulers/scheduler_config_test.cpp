// Hostile and unknown values of scheduler_config.json, seen through the schedulers that read them.

#include "kernels/base/error.h"
#include "pipelines/schedulers/scheduler.h"
#include "pipelines/schedulers/scheduler_config.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>
#include <string>

using kinora::Error;
using kinora::ErrorCode;
using nlohmann::json;
using namespace kinora::pipelines;

namespace {

struct Refusal {
    ErrorCode code = ErrorCode::Internal;
    std::string message;
};

Refusal refusal(std::string_view sampler, const json& config) {
    try {
        makeScheduler(sampler, config, {});
    } catch (const Error& error) {
        return {error.code(), error.message()};
    }
    return {};
}

void refuses(std::string_view sampler, const char* key, const json& value, ErrorCode code) {
    const Refusal found = refusal(sampler, {{key, value}});
    CAPTURE(sampler);
    CAPTURE(key);
    CAPTURE(value.dump());
    CHECK(found.code == code);
    CHECK(found.message.find(key) != std::string::npos);
    CHECK(found.message.size() < 300);
}

constexpr auto kBadFile = ErrorCode::BadFile;
constexpr auto kUnsupported = ErrorCode::Unsupported;

} // namespace

TEST_CASE("unknown names are named, with the known ones") {
    for (const SchedulerInfo& info : schedulers()) {
        refuses(info.name, "beta_schedule", "cosine", kUnsupported);
        refuses(info.name, "prediction_type", "flow_prediction", kUnsupported);
    }
    for (const char* name : {"ddim", "ddpm", "pndm", "lms", "euler", "euler_a", "heun", "dpm2",
                             "dpm2_a", "dpmpp_2m", "dpmpp_2m_sde", "deis", "unipc"})
        refuses(name, "timestep_spacing", "even", kUnsupported);
    for (const char* name : {"ddim", "euler", "heun", "unipc"})
        refuses(name, "beta_schedule", "sigmoid", kUnsupported); // of DDPM alone
    for (const char* name : {"ddpm", "euler", "dpm2"})
        refuses(name, "beta_schedule", "exp", kUnsupported); // of Heun alone
    CHECK(refusal("ddim", {{"beta_schedule", "sigmoid"}})
              .message.find("linear, scaled_linear, squaredcos_cap_v2") != std::string::npos);
    for (const char* name : {"euler_a", "pndm", "dpm2", "dpm2_a"})
        refuses(name, "prediction_type", "sample", kUnsupported);
    refuses("euler", "interpolation_type", "cubic", kUnsupported);
    refuses("euler", "timestep_type", "log", kUnsupported);
    refuses("euler", "final_sigmas_type", "one", kUnsupported);
    refuses("dpmpp_2m", "algorithm_type", "dpmsolver+++", kUnsupported);
    refuses("dpmpp_2m", "algorithm_type", "dpmsolver", kUnsupported); // with a final sigma of zero
    refuses("dpmpp_2m", "solver_type", "rk4", kUnsupported);
    for (const char* name : {"ddpm", "dpmpp_2m", "dpmpp_2m_sde", "dpmpp_2s"})
        refuses(name, "variance_type", "learned_range", kUnsupported);
    refuses("ddpm", "variance_type", "fixed_large_log", kUnsupported); // no number in the reference
    for (const char* name : {"dpmpp_2m", "dpmpp_2m_sde", "dpmpp_2s", "deis", "unipc"}) {
        refuses(name, "use_flow_sigmas", true, kUnsupported);
        refuses(name, "use_dynamic_shifting", true, kUnsupported);
        refuses(name, "solver_type", "rk4", kUnsupported);
    }
    refuses("dpmpp_2s", "algorithm_type", "sde-dpmsolver", kUnsupported);
    refuses("dpmpp_2s", "algorithm_type", "dpmsolver", kUnsupported); // with a final sigma of zero
    refuses("deis", "algorithm_type", "sde-dpmsolver++", kUnsupported);
    refuses("unipc", "predict_x0", false, kUnsupported);        // with a final sigma of zero
    refuses("unipc", "lower_order_final", false, kUnsupported); // with a final sigma of zero
    refuses("unipc", "solver_p", "DPMSolverMultistepScheduler", kUnsupported);
}

TEST_CASE("wrong types and absurd numbers are refused") {
    for (const SchedulerInfo& info : schedulers()) {
        for (const json& value : {json(0), json(1), json(-5), json(1'000'000'000), json("1000"),
                                  json(1000.5), json(nullptr), json(18446744073709551615u)})
            refuses(info.name, "num_train_timesteps", value, kBadFile);
        for (const json& value : {json("0.1"), json(-0.1), json(0), json(1.5), json(nullptr),
                                  json(std::nan("")), json(json::array())})
            refuses(info.name, "beta_start", value, kBadFile);
        refuses(info.name, "trained_betas", json::array({0.1, 0.2}), kBadFile);
        refuses(info.name, "trained_betas", json::array({0.1, "x"}), kBadFile);
        refuses(info.name, "trained_betas", json::array({0.1, 7}), kBadFile);
        refuses(info.name, "trained_betas", "0.1", kBadFile);
        refuses(info.name, "prediction_type", 5, kBadFile);
        refuses(info.name, "prediction_type", std::string(100'000, 'x'), kUnsupported);
        CHECK(refusal(info.name, json::array()).code == kBadFile);
        CHECK(refusal(info.name, nullptr).code == kBadFile);
    }
    for (const char* name : {"ddim", "ddpm", "euler", "euler_a", "dpmpp_2m", "unipc", "lcm", "tcd"})
        refuses(name, "rescale_betas_zero_snr", 1, kBadFile);
    for (const char* name : {"lcm", "tcd"}) {
        refuses(name, "original_inference_steps", 0, kBadFile);
        refuses(name, "original_inference_steps", 2000, kBadFile);
    }
    refuses("lcm", "timestep_scaling", std::numeric_limits<double>::infinity(), kBadFile);
    for (const char* name : {"dpmpp_2m", "dpmpp_2s", "deis", "unipc"})
        for (int order : {0, 4, -1}) refuses(name, "solver_order", order, kBadFile);
    refuses("unipc", "disable_corrector", "all", kBadFile);
    refuses("pndm", "skip_prk_steps", "yes", kBadFile);
    refuses("dpmpp_2m", "lambda_min_clipped", 100.0, kBadFile);
    refuses("ddim", "sample_max_value", 0, kBadFile);
    const json offset = {{"steps_offset", -1}, {"timestep_spacing", "leading"}};
    CHECK(refusal("euler", offset).message.find("steps_offset") != std::string::npos);
}

TEST_CASE("an error names file, key, value and what was expected, with advice") {
    SchedulerOptions options;
    options.configLabel = "a-model/scheduler/scheduler_config.json";
    try {
        makeScheduler("ddim", {{"beta_start", 1.5}}, options);
        FAIL("accepted");
    } catch (const Error& error) {
        CHECK(error.message() == "a-model/scheduler/scheduler_config.json: \"beta_start\" is 1.5; "
                                 "expected a number from 1e-12 to 0.999999.");
        CHECK(error.advice().find("fetch the model again") != std::string::npos);
    }
    CHECK(
        refusal("ddim", {{"num_train_timesteps", 1}}).message ==
        "scheduler/scheduler_config.json: \"num_train_timesteps\" is 1; expected an integer from 2 "
        "to 100000.");
}

TEST_CASE("schedules that contradict each other are refused") {
    const json both = {{"use_karras_sigmas", true}, {"use_beta_sigmas", true}};
    CHECK(refusal("euler", both).code == kBadFile);
    CHECK(refusal("dpmpp_2m", both).code == kBadFile);
    // A schedule that was asked for goes before the config's.
    CHECK(makeScheduler("euler", both, {5, "simple", 0})->callCount() == 5);
}

TEST_CASE("a beta schedule that ends in nothing but noise has no sigma") {
    json config = {{"num_train_timesteps", 40}, {"trained_betas", std::vector<double>(40, 0.1)}};
    config["trained_betas"][39] = 1.0;
    for (const char* name : {"euler", "euler_a", "lms", "heun", "dpm2", "dpm2_a", "dpmpp_2m",
                             "dpmpp_2m_sde", "dpmpp_2s", "deis", "unipc"})
        CHECK(refusal(name, config).message.find("timestep 39") != std::string::npos);
    CHECK(makeScheduler("ddim", config, {})->callCount() == 20);
}

TEST_CASE("minus infinity may be written in every way that JSON leaves open") {
    for (const json& value : {json(nullptr), json("-Infinity"), json(-1e308)})
        CHECK(makeScheduler("dpmpp_2m", {{"lambda_min_clipped", value}}, {})->callCount() == 20);
}

TEST_CASE("what a class does not know it does not ask for") {
    const json config = {{"rescale_betas_zero_snr", 1}, {"timestep_spacing", "even"}};
    CHECK(makeScheduler("dpmpp_2s", config, {})->callCount() == 20);
    for (const char* name : {"lms", "heun", "dpm2", "dpm2_a", "pndm", "deis"})
        CHECK(makeScheduler(name, {{"rescale_betas_zero_snr", 1}}, {})->callCount() >= 20);
    // A variance that is not learned concerns DDPM alone.
    CHECK(makeScheduler("dpmpp_2m", {{"variance_type", "fixed_large"}}, {})->callCount() == 20);
}

TEST_CASE("PNDM begins with Runge-Kutta steps where the config says so") {
    const json prk = {{"skip_prk_steps", false}};
    CHECK(makeScheduler("pndm", prk, {})->callCount() == 29);
    CHECK(makeScheduler("pndm", json::object(), {})->callCount() == 21);
    CHECK_THROWS_WITH_AS(makeScheduler("pndm", prk, {3, "normal", 0}),
                         doctest::Contains("steps: 3"), Error);
}

TEST_CASE("null stands for unset where the reference writes it") {
    const json config = {{"trained_betas", nullptr},
                         {"sigma_min", nullptr},
                         {"sigma_max", nullptr},
                         {"use_karras_sigmas", nullptr},
                         {"use_exponential_sigmas", nullptr},
                         {"variance_type", nullptr},
                         {"solver_p", nullptr},
                         {"disable_corrector", nullptr}};
    for (const SchedulerInfo& info : schedulers())
        CHECK(makeScheduler(info.name, config, {})->callCount() >= 20);
}
