#include "pipelines/plan/plan.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace kinora::pipelines;

TEST_CASE("a plan's JSON says all that a person decides by") {
    Plan plan;
    plan.device = "cpu";
    plan.precision = "f32";
    plan.peakBytes = 123;
    plan.seconds = 1.5;
    plan.fits = false;
    plan.advice = "Smaller.";
    const nlohmann::json json = toJson(plan);
    CHECK(json.at("device") == "cpu");
    CHECK(json.at("precision") == "f32");
    CHECK(json.at("tiling") == "");
    CHECK(json.at("peakBytes") == 123);
    CHECK(json.at("seconds") == 1.5);
    CHECK(json.at("fits") == false);
    CHECK(json.at("advice") == "Smaller.");
}
