#include "kernels/base/error.h"
#include "pipelines/weights/convert.h"
#include "pipelines/weights/random_weights.h"
#include "pipelines/weights/tensor_reader.h"

#include <doctest/doctest.h>

#include <vector>

using kinora::kernels::DType;
using namespace kinora::pipelines;

namespace {

// As another source, up to where its file ends.
class Truncated final : public WeightSource {
  public:
    Truncated(const WeightSource& source, int64_t end) : m_source(source), m_end(end) {}
    const std::string& label() const override { return m_source.label(); }
    std::optional<TensorInfo> find(std::string_view name,
                                   const kinora::kernels::Shape& expected) const override {
        return m_source.find(name, expected);
    }
    std::vector<std::string> names() const override { return m_source.names(); }
    int64_t totalBytes() const override { return m_source.totalBytes(); }
    void read(std::string_view name, int64_t first, std::span<float> values) const override {
        if (first + static_cast<int64_t>(values.size()) > m_end)
            throw kinora::Error(kinora::ErrorCode::Io, "It ended.");
        m_source.read(name, first, values);
    }

  private:
    const WeightSource& m_source;
    int64_t m_end;
};

std::vector<std::byte> readWith(int threads, const WeightSource& source, int64_t elements,
                                DType dtype) {
    std::vector<std::byte> all;
    TensorReader(threads).read(
        source, "w", elements, dtype, [&](int64_t first, std::span<const std::byte> values) {
            CHECK(static_cast<size_t>(first) * kinora::kernels::sizeBytes(dtype) == all.size());
            all.insert(all.end(), values.begin(), values.end());
        });
    return all;
}

} // namespace

TEST_CASE("any number of threads reads the same values, in order") {
    const RandomWeights source;
    for (const int64_t elements : {0, 1, 262'144, 1'048'576, 1'048'577, 5'000'001})
        for (const DType dtype : {DType::F32, DType::BF16}) {
            CAPTURE(elements);
            std::vector<float> values(static_cast<size_t>(elements));
            source.read("w", 0, values);
            std::vector<std::byte> expected(values.size() * kinora::kernels::sizeBytes(dtype));
            convertFromFloat(values, dtype, expected.data());
            for (const int threads : {1, 2, 5, 1000})
                CHECK(readWith(threads, source, elements, dtype) == expected);
        }
}

TEST_CASE("what a thread cannot read is told to the caller, and the reader stays usable") {
    const RandomWeights source;
    TensorReader reader(3);
    int64_t taken = 0;
    const auto take = [&](int64_t, std::span<const std::byte> values) {
        taken += static_cast<int64_t>(values.size() / sizeof(float));
    };
    for (const int64_t end : {10, 1'048'576, 2'000'000, 4'000'000}) {
        CAPTURE(end);
        const Truncated truncated(source, end);
        CHECK_THROWS_AS(reader.read(truncated, "w", 5'000'000, DType::F32, take), kinora::Error);
    }
    taken = 0;
    reader.read(source, "w", 5'000'000, DType::F32, take);
    CHECK(taken == 5'000'000);
}
