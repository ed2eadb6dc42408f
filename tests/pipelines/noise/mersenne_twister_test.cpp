#include "pipelines/noise/mersenne_twister.h"

#include <doctest/doctest.h>

#include <random>

using kinora::pipelines::MersenneTwister;

TEST_CASE("the numbers are those of the standard's mt19937") {
    for (const uint32_t seed : {0u, 1u, 5489u, 0xffffffffu}) {
        CAPTURE(seed);
        MersenneTwister own(seed);
        std::mt19937 standard(seed);
        bool same = true;
        for (int i = 0; i < 5000; ++i) same = same && own() == standard();
        CHECK(same);
    }
}

TEST_CASE("an engine goes on from the state of another, at every place of its words") {
    MersenneTwister first(7);
    for (size_t taken = 0; taken < 2 * MersenneTwister::kWords + 2; ++taken) {
        MersenneTwister second(8);
        second.restore(first.state());
        MersenneTwister ahead = first;
        CHECK(second() == ahead());
        CHECK(second() == ahead());
        (void)first();
    }
}
