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
        refuses(info.name, "beta_schedule", "sigmoid", kUnsupported);
        refuses(info.name, "prediction_type", "flow_prediction", kUnsupported);
    }
    for (const char* name : {"ddim", "euler", "euler_a", "dpmpp_2m"})
        refuses(name, "timestep_spacing", "even", kUnsupported);
    CHECK(refusal("ddim", {{"beta_schedule", "sigmoid"}})
              .message.find("linear, scaled_linear, squaredcos_cap_v2") != std::string::npos);
    refuses("euler_a", "prediction_type", "sample", kUnsupported);
    refuses("euler", "interpolation_type", "cubic", kUnsupported);
    refuses("euler", "timestep_type", "log", kUnsupported);
    refuses("euler", "final_sigmas_type", "one", kUnsupported);
    refuses("dpmpp_2m", "algorithm_type", "dpmsolver+++", kUnsupported);
    refuses("dpmpp_2m", "algorithm_type", "dpmsolver", kUnsupported); // with a final sigma of zero
    refuses("dpmpp_2m", "solver_type", "rk4", kUnsupported);
    refuses("dpmpp_2m", "variance_type", "learned_range", kUnsupported);
    refuses("dpmpp_2m", "use_flow_sigmas", true, kUnsupported);
    refuses("dpmpp_2m", "use_dynamic_shifting", true, kUnsupported);
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
        refuses(info.name, "rescale_betas_zero_snr", 1, kBadFile);
        refuses(info.name, "prediction_type", 5, kBadFile);
        refuses(info.name, "prediction_type", std::string(100'000, 'x'), kUnsupported);
        CHECK(refusal(info.name, json::array()).code == kBadFile);
        CHECK(refusal(info.name, nullptr).code == kBadFile);
    }
    refuses("lcm", "original_inference_steps", 0, kBadFile);
    refuses("lcm", "original_inference_steps", 2000, kBadFile);
    refuses("lcm", "timestep_scaling", std::numeric_limits<double>::infinity(), kBadFile);
    refuses("dpmpp_2m", "solver_order", 4, kBadFile);
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
    for (const char* name : {"euler", "euler_a", "dpmpp_2m"})
        CHECK(refusal(name, config).message.find("timestep 39") != std::string::npos);
    CHECK(makeScheduler("ddim", config, {})->callCount() == 20);
}

TEST_CASE("minus infinity may be written in every way that JSON leaves open") {
    for (const json& value : {json(nullptr), json("-Infinity"), json(-1e308)})
        CHECK(makeScheduler("dpmpp_2m", {{"lambda_min_clipped", value}}, {})->callCount() == 20);
}

TEST_CASE("null stands for unset where the reference writes it") {
    const json config = {{"trained_betas", nullptr},
                         {"sigma_min", nullptr},
                         {"sigma_max", nullptr},
                         {"use_karras_sigmas", nullptr},
                         {"use_exponential_sigmas", nullptr},
                         {"variance_type", nullptr}};
    for (const SchedulerInfo& info : schedulers())
        CHECK(makeScheduler(info.name, config, {})->callCount() == 20);
}
