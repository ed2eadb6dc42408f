#include "pipelines/schedulers/incomplete_beta.h"

#include <doctest/doctest.h>

#include <cmath>

using kinora::pipelines::incompleteBeta;
using kinora::pipelines::inverseIncompleteBeta;

namespace {

struct Row {
    double a, b, x, value;
};

// Computed with scipy.special.betainc and betaincinv 1.17.1.
constexpr Row kForward[] = {
    {0.6, 0.6, 1e-12, 4.3538124738067885e-08},
    {0.6, 0.6, 0.001, 0.010937923627723186},
    {0.6, 0.6, 0.1, 0.17604725434603785},
    {0.6, 0.6, 0.5, 0.5},
    {0.6, 0.6, 0.77, 0.703315750823966},
    {0.6, 0.6, 0.999, 0.9890620763722768},
    {2, 5, 1e-12, 1.4999999999960004e-23},
    {2, 5, 0.1, 0.11426500000000002},
    {2, 5, 0.77, 0.996878373645},
    {0.5, 3.5, 0.001, 0.06436773115597752},
    {0.5, 3.5, 0.1, 0.592916177934411},
    {0.5, 3.5, 0.999, 0.9999999999907934},
};
constexpr Row kInverse[] = {
    {0.6, 0.6, 1e-09, 1.85588246249141e-15}, {0.6, 0.6, 0.01, 0.0008612388215429059},
    {0.6, 0.6, 0.3, 0.23401700387523572},    {0.6, 0.6, 0.5, 0.5},
    {0.6, 0.6, 0.8, 0.8770782495416671},     {0.6, 0.6, 0.99999, 0.9999999913857567},
    {2, 5, 1e-09, 8.165054699768939e-06},    {2, 5, 0.3, 0.18180347131894917},
    {2, 5, 0.99999, 0.9292629435568432},     {0.5, 3.5, 1e-09, 2.4095713869847086e-19},
    {0.5, 3.5, 0.5, 0.06737827302740962},    {0.5, 3.5, 0.8, 0.22239586304369238},
};

} // namespace

TEST_CASE("the regularised incomplete beta function has its known values") {
    for (const Row& row : kForward) {
        CAPTURE(row.x);
        CHECK(std::abs(incompleteBeta(row.a, row.b, row.x) - row.value) <= 1e-13 * row.value);
    }
    CHECK(incompleteBeta(0.6, 0.6, 0) == 0);
    CHECK(incompleteBeta(0.6, 0.6, 1) == 1);
}

TEST_CASE("its inverse has its known values, in the tails too") {
    for (const Row& row : kInverse) {
        CAPTURE(row.x);
        const double found = inverseIncompleteBeta(row.a, row.b, row.x);
        CHECK(std::abs(found - row.value) <= 1e-12 * row.value);
    }
    CHECK(inverseIncompleteBeta(0.6, 0.6, 0) == 0);
    CHECK(inverseIncompleteBeta(0.6, 0.6, 1) == 1);
}

TEST_CASE("the inverse undoes the function over a fine grid") {
    for (int i = 1; i < 2000; ++i) {
        const double p = i / 2000.0;
        CHECK(std::abs(incompleteBeta(0.6, 0.6, inverseIncompleteBeta(0.6, 0.6, p)) - p) <= 1e-13);
    }
}
