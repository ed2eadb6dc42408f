#include "kernels/backend/registry.h"
#include "kernels/base/error.h"
#include "kernels/cpu/cpu_backend.h"
#include "pipelines/image/latents_file.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <vector>

using namespace kinora;
using namespace kinora::kernels;
using pipelines::LatentsFile;

TEST_CASE("latents come back in their own order, picture by picture") {
    BackendRegistry backends;
    backends.add(cpuBackend());
    const auto device = backends.open("cpu", {.threads = 1});
    const auto path = std::filesystem::temp_directory_path() / "kinora-latents-test.safetensors";
    const Shape shape{1, 2, 3, 4};
    std::vector<float> first(24), second(24);
    for (size_t i = 0; i < 24; ++i) {
        first[i] = static_cast<float>(i);
        second[i] = -static_cast<float>(i);
    }
    LatentsFile::Writer writer(path);
    writer.add(device->fromHost(first.data(), shape, DType::F32));
    writer.add(device->fromHost(second.data(), shape, DType::F32));
    writer.finish();

    CHECK(device->toHost<float>(LatentsFile::read(path, *device, 1, shape)) == second);
    const auto both = device->toHost<float>(LatentsFile::read(path, *device, 0, Shape{2, 2, 3, 4}));
    CHECK(std::vector<float>(both.begin(), both.begin() + 24) == first);
    CHECK_THROWS_AS(LatentsFile::read(path, *device, 2, shape), Error);             // only two
    CHECK_THROWS_AS(LatentsFile::read(path, *device, 0, Shape{1, 3, 2, 4}), Error); // turned
    CHECK_THROWS_AS(LatentsFile::read(path, *device, 0, Shape{1, 2, 3, 8}), Error); // channels
    std::filesystem::remove(path);
}

TEST_CASE("latents that cannot be written are an error, and leave nothing") {
    BackendRegistry backends;
    backends.add(cpuBackend());
    const auto device = backends.open("cpu", {.threads = 1});
    LatentsFile::Writer writer("/nonexistent-folder/latents.safetensors");
    writer.add(device->fromHost(std::vector<float>(4).data(), Shape{1, 1, 1, 4}, DType::F32));
    CHECK_THROWS_AS(writer.finish(), Error);
}
