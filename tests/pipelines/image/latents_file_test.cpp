#include "kernels/backend/registry.h"
#include "kernels/base/error.h"
#include "kernels/cpu/cpu_backend.h"
#include "pipelines/image/latents_file.h"
#include "pipelines/weights/safetensors_writer.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>

#include <cmath>
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

TEST_CASE("a file that no run can begin from is found before the run") {
    const auto path = std::filesystem::temp_directory_path() / "kinora-latents-check.safetensors";
    const Shape shape{1, 2, 3, 4}; // [N,h,w,C]
    const auto refusal = [&](const char* name, const Shape& stored, std::vector<float> values) {
        const pipelines::NamedValues tensors[] = {{name, stored, values}};
        pipelines::writeSafetensors(path, tensors);
        return test::thrownBy([&] { LatentsFile::check(path, 0, shape); });
    };
    CHECK(refusal("latents", {1, 4, 2, 3}, std::vector<float>(24)) == "nothing");
    CHECK(refusal("latents", {2, 4, 2, 3}, std::vector<float>(48)) == "nothing");
    CHECK(refusal("noise", {1, 4, 2, 3}, std::vector<float>(24))
              .ends_with("has no tensor \"latents\"."));
    CHECK(refusal("latents", {1, 4, 3, 2}, std::vector<float>(24))
              .ends_with("latents are [1, 4, 3, 2], this run needs [1, 4, 2, 3] or more."));
    CHECK(refusal("latents", {24}, std::vector<float>(24))
              .ends_with("latents are [24], this run needs [1, 4, 2, 3]."));
    std::vector<float> values(24);
    values[17] = std::nanf("");
    CHECK(refusal("latents", {1, 4, 2, 3}, values)
              .ends_with("value 17 of the latents is not a number (NaN or infinite)."));
    values.resize(48); // the broken entry, then a good one
    CHECK(refusal("latents", {2, 4, 2, 3}, values).find("value 17") != std::string::npos);
    CHECK_NOTHROW(LatentsFile::check(path, 1, shape));
    CHECK_THROWS_AS(LatentsFile::check(path, 2, shape), Error);
    std::filesystem::remove(path);
    CHECK(test::thrownBy([&] { LatentsFile::check(path, 0, shape); }).starts_with("not-found: "));
}
