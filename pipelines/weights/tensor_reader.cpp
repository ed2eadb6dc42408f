#include "pipelines/weights/tensor_reader.h"

#include "pipelines/weights/convert.h"
#include "pipelines/weights/weight_source.h"

#include <algorithm>
#include <future>

namespace kinora::pipelines {
namespace {

constexpr int64_t kBlock = int64_t{1} << 18;      // elements; its 1 MiB of f32 stays in the cache
constexpr int64_t kStretch = int64_t{4} * kBlock; // what a thread is worth starting for
constexpr int kMostThreads = 8;                   // beyond, memory is the limit

} // namespace

TensorReader::TensorReader(int threads)
    : m_workers(static_cast<size_t>(std::clamp(threads, 1, kMostThreads))) {}

void TensorReader::read(const WeightSource& source, std::string_view name, int64_t elements,
                        kernels::DType to, const Take& take) {
    const size_t elementBytes = kernels::sizeBytes(to);
    const auto convert = [&](Worker& worker, int64_t first, int64_t count) {
        worker.converted.resize(static_cast<size_t>(count) * elementBytes);
        worker.values.resize(static_cast<size_t>(std::min(count, kBlock)));
        for (int64_t done = 0; done < count; done += kBlock) {
            const auto block =
                std::span(worker.values).first(static_cast<size_t>(std::min(kBlock, count - done)));
            source.read(name, first + done, block);
            convertFromFloat(block, to,
                             worker.converted.data() + static_cast<size_t>(done) * elementBytes);
        }
    };
    for (int64_t first = 0; first < elements;) {
        // This thread has the first stretch, the others those behind it.
        std::vector<std::future<void>> others;
        const int64_t begin = first, own = std::min(kStretch, elements - first);
        first += own;
        for (size_t i = 1; i < m_workers.size() && first < elements; ++i) {
            const int64_t count = std::min(kStretch, elements - first);
            others.push_back(
                std::async(std::launch::async, convert, std::ref(m_workers[i]), first, count));
            first += count;
        }
        convert(m_workers[0], begin, own);
        take(begin, m_workers[0].converted);
        for (size_t i = 0; i < others.size(); ++i) {
            others[i].get();
            take(begin + kStretch * static_cast<int64_t>(i + 1), m_workers[i + 1].converted);
        }
    }
}

} // namespace kinora::pipelines
