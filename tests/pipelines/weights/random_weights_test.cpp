#include "pipelines/weights/random_weights.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

using namespace kinora::pipelines;

TEST_CASE("random weights are small, repeatable, and the same from any place") {
    const RandomWeights weights;
    std::vector<float> all(1000), part(100), other(1000);
    weights.read("conv_in.weight", 0, all);
    weights.read("conv_in.weight", 500, part);
    weights.read("conv_out.weight", 0, other);
    CHECK(std::equal(part.begin(), part.end(), all.begin() + 500));
    CHECK(all != other);
    const auto [least, most] = std::minmax_element(all.begin(), all.end());
    CHECK(*least >= -0.05f);
    CHECK(*least < -0.045f);
    CHECK(*most <= 0.05f);
    CHECK(*most > 0.045f);
    weights.read("norm1.weight", 0, all);
    CHECK(std::all_of(all.begin(), all.end(), [](float v) { return v > 0.94f && v < 1.06f; }));
}

TEST_CASE("any tensor is there, in the shape that is asked for") {
    const RandomWeights weights;
    CHECK((weights.find("x", {2, 3})->shape == kinora::kernels::Shape{2, 3}));
    CHECK(weights.names().empty());
}
