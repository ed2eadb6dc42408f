#include "pipelines/text/emphasis.h"

#include <doctest/doctest.h>

#include <vector>

using namespace kinora::pipelines;
using Values = std::vector<float>;

TEST_CASE("weights of A1111 leave the mean where it was") {
    Values states = {1, 3, 2, 2}; // two tokens of two values
    emphasizeKeepingMean(states, Values{1, 3}, std::vector<int64_t>{1});
    // 1 3 6 6 has the sum 16, 8 before.
    CHECK(states == Values{0.5f, 1.5f, 3, 3});
}

TEST_CASE("rows count for the mean as often as they are used") {
    Values states = {1, 1, 1, 1};
    emphasizeKeepingMean(states, Values{1, 1, 1, 5}, std::vector<int64_t>{3, 1});
    // Before 3 * 2 + 2 = 8, after 3 * 2 + 6 = 12.
    CHECK(states[0] == doctest::Approx(2.0 / 3));
    CHECK(states[3] == doctest::Approx(10.0 / 3));
}

TEST_CASE("weights of ComfyUI move away from the empty prompt") {
    Values states = {4, 4, 4, 4};
    emphasizeFromEmpty(states, Values{1, 0.5f}, Values{9, 9, 0, 2});
    CHECK(states == Values{4, 4, 2, 3});
}
