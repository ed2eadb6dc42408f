#include "kernels/backend/registry.h"
#include "kernels/base/error.h"
#include "kernels/meta/meta_backend.h"
#include "pipelines/noise/noise_generator.h"
#include "tests/support/host_backend.h"

#include <doctest/doctest.h>

#include <vector>

using namespace kinora::pipelines;
using kinora::kernels::Device;
using kinora::kernels::Shape;

TEST_CASE("an unknown generator is refused by name") {
    CHECK_THROWS_WITH_AS(makeNoiseGenerator("mt", 1), doctest::Contains("'mt'"), kinora::Error);
    CHECK(makeNoiseGenerator("torch-cpu", 1));
    CHECK(makeNoiseGenerator("philox", 1));
}

TEST_CASE("picture i is drawn from seed + i, in NCHW order, whatever the batch") {
    Device device(kinora::test::hostBackend(), {});
    for (const char* name : {"torch-cpu", "philox"}) {
        CAPTURE(name);
        BatchNoise batch(name, 10, 3);
        for (int draw = 0; draw < 2; ++draw) {
            const auto all = device.toHost<float>(batch.draw(device, 4, 5, 3));
            REQUIRE(all.size() == 3 * 4 * 5 * 3);
            for (uint64_t picture = 0; picture < 3; ++picture) {
                auto generator = makeNoiseGenerator(name, 10 + picture);
                std::vector<float> planes(4 * 5 * 3); // channel, row, column
                for (int i = 0; i <= draw; ++i) generator->normal(planes);
                for (size_t position = 0; position < 20; ++position)
                    for (size_t channel = 0; channel < 3; ++channel)
                        CHECK(all[(picture * 20 + position) * 3 + channel] ==
                              planes[channel * 20 + position]);
            }
        }
    }
}

TEST_CASE("on the meta back end a draw has a shape and no numbers") {
    Device device(kinora::kernels::metaBackend(), {});
    const auto drawn = BatchNoise("torch-cpu", 0, 2).draw(device, 1024, 1024, 4);
    CHECK((drawn.shape() == Shape{2, 1024, 1024, 4}));
}

TEST_CASE("draws go on from a state as if nothing had been between") {
    for (const char* name : {"torch-cpu", "philox"}) {
        CAPTURE(name);
        // 3 and 5 leave a normal number of a pair over; 700 goes round the engine's words.
        for (const size_t before : {0, 3, 5, 16, 700}) {
            CAPTURE(before);
            auto first = makeNoiseGenerator(name, 10);
            std::vector<float> skipped(before);
            first->normal(skipped);
            auto second = makeNoiseGenerator(name, 10);
            second->restore(first->state());
            for (const size_t count : {3, 20, 1}) {
                std::vector<float> expected(count), found(count);
                first->normal(expected);
                second->normal(found);
                CHECK(found == expected);
            }
            CHECK(second->state() == first->state());
        }
    }
}

TEST_CASE("a state replaces what was drawn, and a number that was left over") {
    auto fresh = makeNoiseGenerator("torch-cpu", 10), used = makeNoiseGenerator("torch-cpu", 10);
    std::vector<float> one(1), first(3), again(3);
    used->normal(one);
    used->restore(fresh->state());
    fresh->normal(first);
    used->normal(again);
    CHECK(first == again);
}

TEST_CASE("words that are no state are refused") {
    auto torch = makeNoiseGenerator("torch-cpu", 1), philox = makeNoiseGenerator("philox", 1);
    const NoiseState good = torch->state();
    CHECK_THROWS_AS(torch->restore(philox->state()), kinora::Error);
    CHECK_THROWS_AS(philox->restore(good), kinora::Error);
    CHECK_THROWS_AS(torch->restore({}), kinora::Error);
    for (const size_t word : {624, 625}) { // the place in the engine's words, and a flag
        NoiseState bad = good;
        bad[word] = 625;
        CHECK_THROWS_AS(torch->restore(bad), kinora::Error);
    }
    BatchNoise batch("philox", 1, 2);
    CHECK_THROWS_WITH_AS(batch.restore(BatchNoise("philox", 1, 3).state()),
                         doctest::Contains("3 pictures, not of 2"), kinora::Error);
}

TEST_CASE("each picture of a batch goes on from its own state") {
    Device device(kinora::test::hostBackend(), {});
    BatchNoise first("torch-cpu", 10, 2);
    (void)first.draw(device, 4, 5, 3);
    BatchNoise second("torch-cpu", 10, 2);
    second.restore(first.state());
    CHECK(device.toHost<float>(second.draw(device, 4, 5, 3)) ==
          device.toHost<float>(first.draw(device, 4, 5, 3)));
}
