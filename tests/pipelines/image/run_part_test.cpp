#include "kernels/base/error.h"
#include "pipelines/image/run_part.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <memory>
#include <string>

using namespace kinora;
using namespace kinora::pipelines;

namespace {

std::unique_ptr<Scheduler> scheduler(const char* name, int steps) {
    return makeScheduler(name, nlohmann::json::object(), {.steps = steps});
}

} // namespace

TEST_CASE("two parts share the calls, none twice") {
    for (const char* name : {"euler", "ddim", "dpmpp_2m", "lms"})
        for (const int steps : {10, 25})
            for (const double at : {0.3, 0.5, 0.8}) {
                const auto all = scheduler(name, steps);
                const CallRange first = callsOf(*all, {.to = at}, 1000);
                const CallRange second = callsOf(*all, {.from = at}, 1000);
                CHECK(first.first == 0);
                CHECK(first.end == second.first);
                CHECK(second.end == all->callCount());
            }
}

TEST_CASE("a later part does not begin within a step") {
    for (const double at : {0.2, 0.35, 0.5, 0.65, 0.8})
        CHECK(callsOf(*scheduler("heun", 10), {.from = at}, 1000).first % 2 == 0);
}

TEST_CASE("a part without a call is refused") {
    CHECK_THROWS_WITH_AS(callsOf(*scheduler("euler", 2), {.to = 0.0001}, 1000),
                         doctest::Contains("No step is left"), Error);
    CHECK_THROWS_AS(callsOf(*scheduler("euler", 2), {.from = 0.9999}, 1000), Error);
}
