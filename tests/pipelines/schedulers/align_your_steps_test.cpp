#include "pipelines/schedulers/align_your_steps.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace kinora::pipelines;

TEST_CASE("ten steps take the published levels") {
    // The authors' figures, as they round them.
    const std::vector<double> sd = {14.615, 6.475, 3.861, 2.697, 1.886,
                                    1.396,  0.963, 0.652, 0.399, 0.152};
    const std::vector<double> xl = {14.615, 6.315, 3.771, 2.181, 1.342,
                                    0.862,  0.555, 0.380, 0.234, 0.113};
    const auto foundSd = alignedSigmas(ModelFamily::StableDiffusion, 10);
    const auto foundXl = alignedSigmas(ModelFamily::StableDiffusionXl, 10);
    REQUIRE(foundSd.size() == 10);
    REQUIRE(foundXl.size() == 10);
    for (size_t i = 0; i < 10; ++i) {
        CHECK(std::abs(foundSd[i] - sd[i]) < 0.004);
        CHECK(std::abs(foundXl[i] - xl[i]) < 0.004);
    }
}

TEST_CASE("other counts lie between them in the logarithm") {
    for (int steps : {1, 2, 5, 9, 11, 20, 37, 1000}) {
        const auto sigmas = alignedSigmas(ModelFamily::StableDiffusion, steps);
        CAPTURE(steps);
        REQUIRE(sigmas.size() == static_cast<size_t>(steps));
        CHECK(sigmas.front() == doctest::Approx(14.6146412293));
        for (size_t i = 1; i < sigmas.size(); ++i) CHECK(sigmas[i] < sigmas[i - 1]);
        CHECK(sigmas.back() > 0.0291671582);
    }
    const auto twenty = alignedSigmas(ModelFamily::StableDiffusion, 20);
    CHECK(twenty[1] == doctest::Approx(std::sqrt(14.6146412293 * 6.4745760956)));
    CHECK(twenty[2] == doctest::Approx(6.4745760956));
}
