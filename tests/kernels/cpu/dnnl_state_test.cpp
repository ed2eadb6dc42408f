#include "kernels/cpu/dnnl_state.h"
#include "tests/kernels/cpu/cpu_fixture.h"

#include <doctest/doctest.h>
#include <omp.h>

#include <memory>

namespace kinora::kernels::test {

namespace {

using cpu::CachedPrimitive;
using cpu::PrimitiveKey;

std::unique_ptr<CachedPrimitive> anyPrimitive(cpu::DnnlState& state) {
    const dnnl::memory::desc layout({1}, dnnl::memory::data_type::f32, dnnl::memory::format_tag::a);
    const dnnl::reorder::primitive_desc copy(state.engine, layout, state.engine, layout);
    return std::make_unique<CachedPrimitive>(dnnl::reorder(copy), dnnl::memory::desc(),
                                             state.engine);
}

} // namespace

TEST_CASE("a primitive is built once for its key") {
    cpu::DnnlState state;
    int built = 0;
    const auto build = [&] {
        ++built;
        return anyPrimitive(state);
    };
    const PrimitiveKey first{{1, 2, 3}};
    const PrimitiveKey second{{1, 2, 4}};
    CachedPrimitive& primitive = state.find(first, build);
    CHECK(&state.find(first, build) == &primitive);
    CHECK(built == 1);
    state.find(second, build);
    CHECK(built == 2);
}

TEST_CASE("the oldest primitives go when there are too many, the ones in use stay") {
    cpu::DnnlState state;
    int built = 0;
    const auto build = [&] {
        ++built;
        return anyPrimitive(state);
    };
    const PrimitiveKey favourite{{-1}};
    const PrimitiveKey forgotten{{-2}};
    state.find(favourite, build);
    state.find(forgotten, build);
    for (int64_t key = 0; key < 1100; ++key) {
        state.find(PrimitiveKey{{key}}, build);
        state.find(favourite, build);
    }
    CHECK(built == 1102);
    state.find(favourite, build);
    CHECK(built == 1102);
    state.find(forgotten, build);
    CHECK(built == 1103);
}

TEST_CASE("whichever thread drives the device, OpenMP's team has the device's size") {
    CpuFixture cpu(3);
    omp_set_num_threads(1);
    cpu::dnnlState(*cpu.context());
    CHECK(omp_get_max_threads() == 3);
}

TEST_CASE("long work is cut in parts, short work is not") {
    CHECK(cpu::partsOf(0) == 1);
    CHECK(cpu::partsOf(1e9) == 1);
    CHECK(cpu::partsOf(1e12) > 50);
}

TEST_CASE("every byte is copied by any number of threads") {
    for (const int threads : {1, 2, 3}) {
        CpuFixture cpu(threads);
        const std::vector<float> from = randomValues(500'001, 5);
        std::vector<float> to(from.size());
        cpu::copyBytes(*cpu.context(), to.data(), from.data(), from.size() * sizeof(float));
        CHECK(sameBytes(from, to));
    }
}

} // namespace kinora::kernels::test
