#include "pipelines/schedulers/timestep_spacing.h"

#include <doctest/doctest.h>

#include <vector>

using namespace kinora::pipelines;
using Points = std::vector<double>;

TEST_CASE("linspace ends exactly where it should") {
    CHECK((linspace(0, 999, 1) == Points{0}));
    CHECK((linspace(0, 10, 5) == Points{0, 2.5, 5, 7.5, 10}));
    CHECK(linspace(0.1, 0.7, 7).back() == 0.7);
}

TEST_CASE("leading timesteps fall by the ratio to the offset") {
    CHECK((leadingTimesteps(250, 0, 4, 1) == Points{751, 501, 251, 1}));
    CHECK((leadingTimesteps(200, 1, 4, 0) == Points{800, 600, 400, 200}));
}

TEST_CASE("trailing timesteps start at the last and round halves to even") {
    CHECK((trailingTimesteps(1000, 250, 4) == Points{999, 749, 499, 249}));
    CHECK((trailingTimesteps(10, 2.5, 4) == Points{9, 7, 4, 1})); // 7.5 to 8, 2.5 to 2
    CHECK((trailingTimesteps(5, 2.5, 4) == Points{4, 1}));        // nothing below zero
}
