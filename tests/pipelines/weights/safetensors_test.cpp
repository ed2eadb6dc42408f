#include "pipelines/weights/safetensors.h"
#include "tests/pipelines/weights/safetensors_bytes.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>

#include <cstring>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kinora::test::contains;
using kinora::test::safetensorsBytes;
using kinora::test::TemporaryFolder;
using kinora::test::thrownBy;

namespace {

const std::string kHeader = R"({"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";

std::string thrownByOpening(const std::string& bytes) {
    const TemporaryFolder folder;
    const auto path = folder.write("w.safetensors", bytes);
    return thrownBy([&] { SafetensorsFile(path, "unet/w.safetensors"); });
}

} // namespace

TEST_CASE("a file that cannot be one is refused with a reason") {
    const std::string longHeader = std::string("\x01\xe1\xf5\x05\0\0\0\0{}", 10); // 100,000,001
    const std::pair<std::string, const char*> files[] = {
        {"", "is empty"},
        {"abc", "cut short"},
        {std::string(8, '\0'), "not valid JSON"},
        {std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10),
         "is damaged, or neither a safetensors file"},
        {longHeader, "is damaged, or neither a safetensors file"},
        {std::string("\x09\0\0\0\0\0\0\0{}", 10), "longer than the file"},
        {"<!DOCTYPE html><html><body>Not found</body></html>", "web page"},
        {"{\"error\": \"Access to the model is restricted\"}", "is a JSON text"},
        {"\n <html>login</html>", "web page"},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:00", "Git LFS pointer"},
        {std::string("PK\x03\x04 pickled"), "PyTorch"},
        {"GGUF\x03 and so on, long enough", "GGUF"},
        {safetensorsBytes(kHeader, "1234567"), "cut short"},
        {safetensorsBytes(kHeader, "123456789"), "belong to no tensor"},
    };
    for (const auto& [bytes, words] : files) {
        const std::string message = words;
        const std::string found = thrownByOpening(bytes);
        CAPTURE(message);
        CAPTURE(found);
        CHECK(found.starts_with("bad-file: unet/w.safetensors: "));
        CHECK(contains(found, message));
    }
}

TEST_CASE("a folder, a pipe and nothing at all are told apart") {
    const TemporaryFolder folder;
    CHECK(contains(thrownBy([&] { SafetensorsFile(folder.path(), "w"); }),
                   "bad-file: w: is a folder"));
    CHECK(
        contains(thrownBy([&] { SafetensorsFile(folder.path() / "none", "w"); }), "not-found: w"));
    CHECK(contains(thrownBy([&] { SafetensorsFile("/dev/null", "w"); }), "is a pipe or a device"));
}

TEST_CASE("elements are read from any place, converted to f32") {
    const TemporaryFolder folder;
    const std::string header = R"({"half":{"dtype":"F16","shape":[3],"data_offsets":[0,6]},)"
                               R"("single":{"dtype":"F32","shape":[2,2],"data_offsets":[6,22]}})";
    const uint16_t halves[] = {0x3c00, 0xc000, 0x0001}; // 1, -2, 2^-24
    const float singles[] = {1.5f, 2.5f, -3.5f, 1e30f};
    std::string data(22, '\0');
    std::memcpy(data.data(), halves, 6);
    std::memcpy(data.data() + 6, singles, 16); // not at a multiple of four
    const SafetensorsFile file(folder.write("w.safetensors", safetensorsBytes(header, data)), "w");

    std::vector<float> values(3);
    file.read("half", 0, values);
    CHECK(values == std::vector<float>{1, -2, 0x1p-24f});
    values.resize(2);
    file.read("single", 1, values);
    CHECK(values == std::vector<float>{2.5f, -3.5f});
    file.read("half", 3, std::span<float>());

    CHECK(file.names() == std::vector<std::string>{"half", "single"});
    CHECK(file.totalBytes() == 22);
    CHECK((file.find("single", {})->shape == kernels::Shape{2, 2}));
    CHECK_FALSE(file.find("hal", {}));
    CHECK(contains(thrownBy([&] { file.read("half", 2, values); }), "outside"));
    CHECK(contains(thrownBy([&] { file.read("none", 0, values); }), "no tensor"));
}

TEST_CASE("a tensor of many blocks is read whole") {
    const TemporaryFolder folder;
    const size_t count = 1'300'001; // two and a half blocks of f16
    const std::string header = R"({"w":{"dtype":"I16","shape":[)" + std::to_string(count) +
                               R"(],"data_offsets":[0,)" + std::to_string(2 * count) + "]}}";
    std::vector<int16_t> stored(count);
    std::iota(stored.begin(), stored.end(), int16_t{0});
    const std::string_view data(reinterpret_cast<const char*>(stored.data()), 2 * count);
    const SafetensorsFile file(folder.write("w.safetensors", safetensorsBytes(header, data)), "w");
    std::vector<float> values(count);
    file.read("w", 0, values);
    CHECK(std::equal(values.begin(), values.end(), stored.begin()));
}

TEST_CASE("a file that shrinks while it is read gives an error") {
    const TemporaryFolder folder;
    const auto path = folder.write("w.safetensors", safetensorsBytes(kHeader, "12345678"));
    const SafetensorsFile file(path, "w");
    std::filesystem::resize_file(path, 20);
    std::vector<float> values(2);
    CHECK(thrownBy([&] { file.read("w", 0, values); }).starts_with("io: w: ended at byte"));
}
