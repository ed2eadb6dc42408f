#include "kernels/base/error.h"
#include "pipelines/schedulers/sigma_schedule.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace kinora::pipelines;

namespace {

// Noise levels 1, 2, 4, 8, 16: a timestep is the logarithm to base 2.
SigmaTable doubling() {
    return SigmaTable({1, 2, 4, 8, 16});
}

void near(const std::vector<double>& found, const std::vector<double>& expected) {
    REQUIRE(found.size() == expected.size());
    for (size_t i = 0; i < found.size(); ++i)
        CHECK(found[i] == doctest::Approx(expected[i]).epsilon(1e-6));
}

} // namespace

TEST_CASE("the table interpolates sigmas linearly and timesteps by the logarithm") {
    const SigmaTable table = doubling();
    CHECK(table.at(2) == 4);
    CHECK(table.at(2.5) == 6);
    CHECK(table.at(-3) == 1);
    CHECK(table.at(99) == 16);
    CHECK(table.timestep(std::sqrt(32.0)) == doctest::Approx(2.5));
    CHECK(table.timestep(0) == 0);
    CHECK(table.timestep(1e9) == 4);
}

TEST_CASE("schedules run between their ends") {
    const SigmaTable table = doubling();
    near(makeNoiseSteps("exponential", table, {16, 1}, 5).sigmas, {16, 8, 4, 2, 1});
    near(makeNoiseSteps("exponential", table, {16, 1}, 5).timesteps, {4, 3, 2, 1, 0});
    near(makeNoiseSteps("karras", table, {std::pow(3.0, 7), 1}, 3).sigmas, {2187, 128, 1});
    near(makeNoiseSteps("beta", table, {16, 1}, 3).sigmas, {16, 8.5, 1});
    near(makeNoiseSteps("simple", table, {16, 1}, 2).sigmas, {16, 4});
    near(makeNoiseSteps("simple", table, {16, 1}, 2).timesteps, {4, 2});
    near(makeNoiseSteps("sgm_uniform", table, {16, 1}, 2).sigmas, {16, 4});
    near(makeNoiseSteps("sgm_uniform", table, {16, 1}, 8).timesteps,
         {4, 3.5, 3, 2.5, 2, 1.5, 1, 0.5});
    for (const char* name : {"karras", "exponential", "beta", "simple", "sgm_uniform"})
        near(makeNoiseSteps(name, table, {16, 1}, 1).sigmas, {16});
    CHECK_THROWS_AS(makeNoiseSteps("normal", table, {16, 1}, 3), kinora::Error);
}
