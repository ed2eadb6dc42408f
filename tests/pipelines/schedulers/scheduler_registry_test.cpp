#include "kernels/base/error.h"
#include "pipelines/request/parameters.h"
#include "pipelines/schedulers/scheduler.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <set>
#include <string>

using kinora::Error;
using kinora::ErrorCode;
using nlohmann::json;
using namespace kinora::pipelines;

TEST_CASE("the table of parameters offers the samplers and schedules that there are") {
    std::set<std::string_view> samplers, schedules;
    for (const SchedulerInfo& info : schedulers()) {
        samplers.insert(info.name);
        schedules.insert(info.schedules.begin(), info.schedules.end());
        CHECK(info.schedules.front() == "normal");
    }
    const auto choices = [](const char* name) {
        const auto& names = findImageParameter(name)->choices;
        return std::set<std::string_view>(names.begin(), names.end());
    };
    CHECK((choices("sampler") == samplers));
    CHECK((choices("schedule") == schedules));
}

TEST_CASE("schedulers are found by name and by class") {
    CHECK(findScheduler("ddim")->className == "DDIMScheduler");
    CHECK(findSchedulerByClass("EulerDiscreteScheduler")->name == "euler");
    CHECK(findSchedulerByClass("EulerAncestralDiscreteScheduler")->name == "euler_a");
    CHECK(findSchedulerByClass("DPMSolverMultistepScheduler")->name == "dpmpp_2m");
    CHECK(findSchedulerByClass("LCMScheduler")->name == "lcm");
    CHECK(findSchedulerByClass("PNDMScheduler")->name == "pndm");
    CHECK(findSchedulerByClass("KDPM2AncestralDiscreteScheduler")->name == "dpm2_a");
    CHECK(findScheduler("DDIMScheduler") == nullptr);
    CHECK(findSchedulerByClass("FlowMatchEulerDiscreteScheduler") == nullptr);
}

TEST_CASE("an unknown sampler is refused with those that there are") {
    try {
        makeScheduler("eular", json::object(), {});
        FAIL("not refused");
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::InvalidArgument);
        CHECK(error.message().find("'eular'") != std::string::npos);
        CHECK(error.advice().find("ddim, ddpm, pndm, lms, euler") != std::string::npos);
    }
}

TEST_CASE("a pair that does not exist is refused with the valid ones") {
    const std::pair<const char*, const char*> pairs[] = {
        {"euler_a", "karras"}, {"ddim", "beta"}, {"lcm", "simple"},           {"euler", "no"},
        {"pndm", "karras"},    {"tcd", "beta"},  {"ddpm", "align_your_steps"}};
    for (const auto& [sampler, schedule] : pairs) {
        CAPTURE(sampler);
        try {
            makeScheduler(sampler, json::object(), {20, schedule, 0});
            FAIL("not refused");
        } catch (const Error& error) {
            CHECK(error.code() == ErrorCode::InvalidArgument);
            CHECK(error.message().find(schedule) != std::string::npos);
            CHECK(error.advice().find("normal") != std::string::npos);
        }
    }
}

TEST_CASE("step counts outside the schedule are refused") {
    for (const SchedulerInfo& info : schedulers())
        for (int steps : {-1, 0, 1001}) {
            CAPTURE(info.name);
            CHECK_THROWS_AS(makeScheduler(info.name, json::object(), {steps, "normal", 0}), Error);
        }
    for (const char* name : {"lcm", "tcd"})
        CHECK_THROWS_WITH_AS(makeScheduler(name, json::object(), {51, "normal", 0}),
                             doctest::Contains("steps: 51"), Error);
    // Leading spacing with an offset steps past the end when every timestep is taken.
    for (const char* name : {"ddim", "ddpm", "pndm"}) {
        CHECK_THROWS_WITH_AS(makeScheduler(name, {{"steps_offset", 1}}, {1000, "normal", 0}),
                             doctest::Contains("steps: 1000 is out of range"), Error);
        CHECK_THROWS_WITH_AS(makeScheduler(name, {{"steps_offset", 999}}, {20, "normal", 0}),
                             doctest::Contains("steps_offset"), Error);
    }
    CHECK(makeScheduler("ddim", json::object(), {1000, "normal", 0})->callCount() == 1000);
}

TEST_CASE("trailing timesteps do not run on below zero") {
    for (const char* name :
         {"ddim", "ddpm", "lms", "euler", "euler_a", "dpmpp_2m", "deis", "unipc"})
        for (int steps : {61, 103, 998}) {
            const auto scheduler =
                makeScheduler(name, {{"timestep_spacing", "trailing"}}, {steps, "normal", 0});
            CAPTURE(name);
            CHECK(scheduler->callCount() == steps);
            CHECK(scheduler->timestep(steps - 1) >= 0);
        }
}

TEST_CASE("align_your_steps follows the tables of the model's family") {
    const json config = {{"beta_start", 0.00085}, {"beta_end", 0.012}};
    SchedulerOptions options{10, "align_your_steps"};
    CHECK(makeScheduler("euler", config, options)->noiseMix(1).noise == doctest::Approx(6.4745761));
    options.family = ModelFamily::StableDiffusionXl;
    CHECK(makeScheduler("euler", config, options)->noiseMix(1).noise == doctest::Approx(6.3184485));
}
