#include "kernels/cpu/linear_tiles.h"
#include "kernels/cpu/packed_weight.h"
#include "tests/kernels/cpu/cpu_fixture.h"

#include <doctest/doctest.h>

namespace kinora::kernels::test {

namespace {

std::vector<float> plainAgain(CpuFixture& cpu, const PackedWeight& weight) {
    std::vector<float> values(static_cast<size_t>(weight.outputs * weight.inputs *
                                                  weight.kernelHeight * weight.kernelWidth));
    const auto layout =
        weight.form == WeightForm::Matrix ? cpu::plainMatrix(weight) : cpu::plainKernel(weight);
    cpu::dnnlState(*cpu.context())
        .reorder(weight.layout, weight.storage.data(), layout, values.data());
    return values;
}

} // namespace

TEST_CASE("a released weight gives its bytes back to the count") {
    CpuFixture cpu;
    std::vector<float> values = randomValues(320 * 320, 1);
    {
        const Weight weight = Weight::pack(WeightKind::Linear,
                                           makeTensor(cpu.device, {320, 320}, DType::F32, values));
        CHECK(cpu.device.weightBytes() == weight.sizeBytes());
        CHECK(weight.sizeBytes() >= 320 * 320 * sizeof(float));
    }
    CHECK(cpu.device.weightBytes() == 0);
}

TEST_CASE("packing keeps every value, and so does every move to another layout") {
    CpuFixture cpu;
    for (const Shape& shape :
         {Shape{48, 96, 3, 3}, Shape{5, 17, 1, 1}, Shape{3, 4, 7, 7}, Shape{320, 4, 3, 3}}) {
        std::vector<float> values = randomValues(shape.elements(), 9);
        const Weight weight =
            Weight::pack(WeightKind::Conv2d, makeTensor(cpu.device, shape, DType::F32, values));
        const PackedWeight& packed = *weight.packed();
        CHECK(sameBytes(plainAgain(cpu, packed), values));
        const auto first = packed.layout;
        const WeightForm form = packed.form;
        cpu::weightAs(*cpu.context(), packed, WeightForm::Kernel, cpu::plainKernel(packed));
        CHECK(packed.form == WeightForm::Kernel);
        CHECK(sameBytes(plainAgain(cpu, packed), values));
        cpu::weightAs(*cpu.context(), packed, form, first);
        CHECK(sameBytes(plainAgain(cpu, packed), values));
        CHECK(packed.layout == first);
    }
}

TEST_CASE("a weight that is in the wanted layout stays where it is") {
    CpuFixture cpu;
    std::vector<float> values = randomValues(64 * 64, 9);
    const Weight weight =
        Weight::pack(WeightKind::Linear, makeTensor(cpu.device, {64, 64}, DType::F32, values));
    const void* address = weight.packed()->storage.data();
    const auto layout = weight.packed()->layout;
    cpu::weightAs(*cpu.context(), *weight.packed(), WeightForm::Matrix, layout);
    CHECK(weight.packed()->storage.data() == address);
}

TEST_CASE("a weight in tiles moves to a layout of oneDNN's and back") {
    CpuFixture cpu;
    if (!cpu::multipliesByTiles(DType::BF16, 64)) {
        MESSAGE("skipped: this processor has no AMX, or may not use it");
        return;
    }
    std::vector<float> values = randomValues(40 * 64, 9);
    const Tensor plain = makeTensor(cpu.device, {40, 64, 1, 1}, DType::BF16, values);
    const Weight weight = Weight::pack(WeightKind::Conv2d, plain);
    const PackedWeight& packed = *weight.packed();
    CHECK(packed.form == WeightForm::Tiles);
    CHECK(weight.sizeBytes() == packed.storage.sizeBytes());
    const auto* tiles = static_cast<const uint16_t*>(packed.storage.data());
    const std::vector<uint16_t> before(tiles, tiles + weight.sizeBytes() / sizeof(uint16_t));

    const auto layout = cpu::plainKernel(packed);
    const dnnl::memory& moved = cpu::weightAs(*cpu.context(), packed, WeightForm::Kernel, layout);
    CHECK(packed.form == WeightForm::Kernel);
    CHECK(std::memcmp(moved.get_data_handle(), cpu.device.toHost<uint16_t>(plain).data(),
                      40 * 64 * sizeof(uint16_t)) == 0);

    const uint16_t* again = cpu::weightInTiles(*cpu.context(), packed);
    CHECK(packed.form == WeightForm::Tiles);
    CHECK(std::memcmp(again, before.data(), weight.sizeBytes()) == 0);
}

} // namespace kinora::kernels::test
