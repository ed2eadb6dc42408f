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

} // namespace kinora::kernels::test
