// Attention against the definition in double precision.

#include "tests/kernels/cpu/cpu_fixture.h"

#include <doctest/doctest.h>
#include <hwy/highway.h>

#include <chrono>
#include <ctime>
#include <limits>
#include <thread>

namespace kinora::kernels::test {

namespace {

struct Case {
    int64_t batch, queries, keys, heads, headSize;
    bool causal = false;
    int64_t maskItems = 0, maskRows = 0; // 0: no mask
};

struct Operands {
    std::vector<float> query, key, value, mask;
};

constexpr float kHidden = -std::numeric_limits<float>::infinity();

Operands operandsOf(const Case& c) {
    Operands operands;
    operands.query = randomValues(c.batch * c.queries * c.heads * c.headSize, 1);
    operands.key = randomValues(c.batch * c.keys * c.heads * c.headSize, 2);
    operands.value = randomValues(c.batch * c.keys * c.heads * c.headSize, 3);
    for (float& query : operands.query) query *= 4; // scores far enough apart to matter
    operands.mask = randomValues(c.maskItems * c.maskRows * c.keys, 4);
    for (size_t i = 0; i < operands.mask.size(); i += 3) operands.mask[i] = kHidden;
    return operands;
}

// Weights of one query over all keys; all 0 where every key is hidden.
std::vector<double> weightsOf(const Case& c, const Operands& operands, double scale, int64_t item,
                              int64_t head, int64_t row) {
    std::vector<double> weights;
    double largest = -INFINITY;
    for (int64_t key = 0; key < c.keys; ++key) {
        double score = 0;
        for (int64_t i = 0; i < c.headSize; ++i)
            score += static_cast<double>(operands.query[static_cast<size_t>(
                         ((item * c.queries + row) * c.heads + head) * c.headSize + i)]) *
                     operands.key[static_cast<size_t>(
                         ((item * c.keys + key) * c.heads + head) * c.headSize + i)];
        score *= scale;
        if (c.maskItems) {
            const int64_t line =
                (c.maskItems > 1 ? item : 0) * c.maskRows + (c.maskRows > 1 ? row : 0);
            score += operands.mask[static_cast<size_t>(line * c.keys + key)];
        }
        if (c.causal && key > row) score = -INFINITY;
        weights.push_back(score);
        largest = std::max(largest, score);
    }
    double total = 0;
    for (double& weight : weights)
        total += weight = largest == -INFINITY ? 0 : std::exp(weight - largest);
    for (double& weight : weights) weight = total > 0 ? weight / total : 0;
    return weights;
}

std::vector<double> reference(const Case& c, const Operands& operands, double scale) {
    std::vector<double> wanted;
    for (int64_t item = 0; item < c.batch; ++item)
        for (int64_t row = 0; row < c.queries; ++row)
            for (int64_t head = 0; head < c.heads; ++head) {
                const auto weights = weightsOf(c, operands, scale, item, head, row);
                for (int64_t i = 0; i < c.headSize; ++i) {
                    double sum = 0;
                    for (int64_t key = 0; key < c.keys; ++key)
                        sum += weights[static_cast<size_t>(key)] *
                               operands.value[static_cast<size_t>(
                                   ((item * c.keys + key) * c.heads + head) * c.headSize + i)];
                    wanted.push_back(sum);
                }
            }
    return wanted;
}

float scaleOf(const Case& c) {
    return 1.0f / std::sqrt(static_cast<float>(c.headSize));
}

Status attend(CpuFixture& cpu, const Case& c, Operands& operands, DType dtype,
              std::vector<float>& result) {
    Device& device = cpu.device;
    const int64_t width = c.heads * c.headSize;
    const Tensor query = makeTensor(device, {c.batch, c.queries, width}, dtype, operands.query);
    const Tensor key = makeTensor(device, {c.batch, c.keys, width}, dtype, operands.key);
    const Tensor value = makeTensor(device, {c.batch, c.keys, width}, dtype, operands.value);
    const Tensor output = device.empty({c.batch, c.queries, width}, dtype);
    AttentionArgs args{};
    Tensor mask;
    if (c.maskItems) {
        mask = makeTensor(device, {c.maskItems, c.maskRows, c.keys}, DType::F32, operands.mask);
        args.mask = ref(mask);
    }
    args.query = ref(query);
    args.key = ref(key);
    args.value = ref(value);
    args.output = ref(output);
    args.heads = static_cast<int32_t>(c.heads);
    args.scale = scaleOf(c);
    args.causal = c.causal;
    const Status status = cpu.table().attention(cpu.context(), &args);
    if (status == Status::Ok) result = valuesOf(device, output);
    return status;
}

std::vector<float> attend(CpuFixture& cpu, const Case& c, Operands& operands,
                          DType dtype = DType::F32) {
    std::vector<float> result;
    cpu.device.check(attend(cpu, c, operands, dtype, result), "attention");
    return result;
}

double processSeconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<Case> oddShapes() {
    std::vector<Case> cases;
    for (const int64_t headSize : {1, 3, 7, 16, 40, 64, 80, 160, 512})
        cases.push_back({1, 33, 77, 2, headSize});
    for (const int64_t queries : {1, 2, 77, 129, 300})
        for (const int64_t keys : {1, 2, 77, 129, 300}) {
            cases.push_back({2, queries, keys, 3, 7});
            cases.push_back({1, queries, keys, 2, 40, true});
            cases.push_back({2, queries, keys, 1, 24, false, 1, 1});
            cases.push_back({3, queries, keys, 1, 24, false, 3, queries});
            cases.push_back({3, queries, keys, 1, 24, true, 3, 1});
        }
    cases.push_back({1, 130, 600, 1, 17, false, 1, 130});
    cases.push_back({1, 600, 600, 1, 17, true});
    return cases;
}

} // namespace

TEST_CASE("attention agrees with its definition over odd shapes") {
    CpuFixture cpu;
    for (const DType dtype : computeTypes())
        for (const Case& c : oddShapes()) {
            Operands operands = operandsOf(c);
            const auto got = attend(cpu, c, operands, dtype);
            CAPTURE(c.batch);
            CAPTURE(c.queries);
            CAPTURE(c.keys);
            CAPTURE(c.heads);
            CAPTURE(c.headSize);
            CAPTURE(c.causal);
            CAPTURE(c.maskRows);
            CAPTURE(dtypeName(dtype));
            CHECK(relativeError(got, reference(c, operands, scaleOf(c))) < tolerance(dtype));
        }
}

TEST_CASE("attention is right on every instruction set that this machine has") {
    CpuFixture cpu;
    int tried = 0;
    for (const int64_t target : {HWY_SCALAR, HWY_SSE4, HWY_AVX2, HWY_AVX3}) {
        hwy::SetSupportedTargetsForTest(0);
        if (target != HWY_SCALAR && !(hwy::SupportedTargets() & target)) continue;
        hwy::SetSupportedTargetsForTest(target);
        ++tried;
        CAPTURE(hwy::TargetName(target));
        for (const int64_t headSize : {3, 7, 16, 40, 72, 160})
            for (const Case& c :
                 {Case{2, 77, 300, 2, headSize}, Case{1, 129, 129, 1, headSize, true}}) {
                Operands operands = operandsOf(c);
                const auto got = attend(cpu, c, operands);
                CAPTURE(c.headSize);
                CHECK(relativeError(got, reference(c, operands, scaleOf(c))) < 1e-5);
            }
    }
    hwy::SetSupportedTargetsForTest(0);
    CHECK(tried >= 1);
}

TEST_CASE("a query whose keys are all masked gives zeros and leaves its neighbours alone") {
    CpuFixture cpu;
    const Case c{1, 5, 300, 2, 8, false, 1, 5};
    Operands operands = operandsOf(c);
    std::fill_n(operands.mask.begin() + 2 * 300, 300, kHidden);
    const auto got = attend(cpu, c, operands);
    CHECK(relativeError(got, reference(c, operands, scaleOf(c))) < 1e-5);
    for (size_t i = 2 * 16; i < 3 * 16; ++i) CHECK(got[i] == 0.0f);
}

TEST_CASE("a mask of the lowest finite number hides as -inf does") {
    CpuFixture cpu;
    const Case c{1, 4, 77, 1, 16, false, 1, 1};
    Operands hidden = operandsOf(c);
    Operands lowest = hidden;
    for (float& value : lowest.mask)
        if (value == kHidden) value = std::numeric_limits<float>::lowest();
    CHECK(sameBytes(attend(cpu, c, hidden), attend(cpu, c, lowest)));
}

TEST_CASE("huge scores stay finite, and a NaN is not hidden") {
    CpuFixture cpu;
    const Case c{1, 40, 300, 1, 16};
    Operands operands = operandsOf(c);
    for (float& value : operands.query) value *= 1e4f;
    CHECK(relativeError(attend(cpu, c, operands), reference(c, operands, scaleOf(c))) < 1e-5);
    operands.query[3 * 16] = std::numeric_limits<float>::quiet_NaN();
    const auto got = attend(cpu, c, operands);
    CHECK(std::isnan(got[3 * 16]));
    CHECK(std::isfinite(got[4 * 16]));
}

TEST_CASE("attention does not depend on the number of threads") {
    const Case c{2, 300, 300, 3, 40, true, 1, 300};
    Operands operands = operandsOf(c);
    CpuFixture one(1);
    const auto wanted = attend(one, c, operands);
    for (const int threads : {2, 3}) {
        CpuFixture more(threads);
        CHECK(sameBytes(wanted, attend(more, c, operands)));
    }
}

TEST_CASE("attention in bf16 depends neither on the number of threads nor on the neighbours") {
    const Case c{2, 301, 300, 3, 40};
    Operands operands = operandsOf(c);
    CpuFixture one(1);
    const auto wanted = attend(one, c, operands, DType::BF16);
    CpuFixture more(3);
    CHECK(sameBytes(wanted, attend(more, c, operands, DType::BF16)));
    const Case first{1, 1, 300, 3, 40};
    Operands alone = operands;
    alone.query.resize(3 * 40);
    const auto row = attend(one, first, alone, DType::BF16);
    CHECK(sameBytes(row, std::vector<float>(wanted.begin(), wanted.begin() + 3 * 40)));
}

TEST_CASE("attention in bf16 does not hide a NaN, and huge scores stay finite") {
    CpuFixture cpu;
    const Case c{1, 40, 300, 1, 16};
    Operands operands = operandsOf(c);
    for (float& value : operands.query) value *= 1e4f;
    operands.query[3 * 16] = std::numeric_limits<float>::quiet_NaN();
    const auto got = attend(cpu, c, operands, DType::BF16);
    CHECK(std::isnan(got[3 * 16]));
    for (size_t i = 4 * 16; i < got.size(); ++i) CHECK(std::isfinite(got[i]));
}

TEST_CASE("attention's memory does not grow with the product of the lengths") {
    CpuFixture cpu(2);
    const Case c{1, 8192, 8192, 1, 8};
    Operands operands = operandsOf(c);
    attend(cpu, c, operands);
    // Four tensors of 256 KiB, the packed head and the threads' blocks: all scores would be 256
    // MiB.
    CHECK(cpu.device.arena().stats().peakUsedBytes < (size_t{4} << 20));
}

TEST_CASE("a long attention stops within a second of being cancelled") {
    CpuFixture cpu;
    const Case c{1, 131072, 131072, 1, 16}; // many seconds of work on little memory
    Operands operands = operandsOf(c);
    CancelToken token;
    cpu.device.setCancelToken(token);
    double asked = 0;
    std::thread canceller([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(400));
        asked = processSeconds();
        token.cancel();
    });
    std::vector<float> result;
    const Status status = attend(cpu, c, operands, DType::F32, result);
    const double ended = processSeconds();
    canceller.join();
    CHECK(status == Status::Cancelled);
    CHECK(ended - asked < 1.0); // of processor time, which other programs do not stretch
}

} // namespace kinora::kernels::test
