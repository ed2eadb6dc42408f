#include "pipelines/weights/sharded_weights.h"
#include "tests/pipelines/weights/safetensors_bytes.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace kinora::pipelines;
using kinora::test::contains;
using kinora::test::safetensorsBytes;
using kinora::test::TemporaryFolder;
using kinora::test::thrownBy;

namespace {

std::string shard(const std::string& name, const std::string& data) {
    return safetensorsBytes("{\"" + name + R"(":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})",
                            data);
}

} // namespace

TEST_CASE("tensors are found in the shards that the index names") {
    const TemporaryFolder folder;
    folder.write("m-1.safetensors", shard("a", "\x01\x02"));
    folder.write("m-2.safetensors", shard("b", "\x03\x04"));
    const auto index = folder.write(
        "m.safetensors.index.json",
        R"({"metadata":{},"weight_map":{"b":"m-2.safetensors","a":"m-1.safetensors"}})");
    const ShardedWeights weights(index, "unet/m.safetensors.index.json");
    CHECK(weights.names() == std::vector<std::string>{"a", "b"});
    CHECK(weights.totalBytes() == 4);
    std::vector<float> values(2);
    weights.read("b", 0, values);
    CHECK(values == std::vector<float>{3, 4});
    CHECK((weights.find("a", {})->shape == kinora::kernels::Shape{2}));
    CHECK_FALSE(weights.find("c", {}));
    CHECK(contains(thrownBy([&] { weights.read("c", 0, values); }), "no tensor"));
    CHECK(shardNames(index, "x") == std::vector<std::string>{"m-1.safetensors", "m-2.safetensors"});
}

TEST_CASE("a malformed index is refused") {
    const TemporaryFolder folder;
    folder.write("m-1.safetensors", shard("a", "\x01\x02"));
    folder.write("secret.safetensors", shard("a", "\x01\x02"));
    const auto entry = [](const std::string& name) {
        return R"({"weight_map":{"a":")" + name + "\"}}";
    };
    const std::pair<std::string, const char*> indices[] = {
        {"{}", "has no \"weight_map\""},
        {R"({"weight_map":{}})", "has no \"weight_map\""},
        {R"({"weight_map":[1]})", "has no \"weight_map\""},
        {R"({"weight_map":{"a":1}})", "not the name"},
        {entry("../secret.safetensors"), "not the name"},
        {entry("/secret.safetensors"), "not the name"},
        {entry("..\\\\secret.safetensors"), "not the name"},
        {entry("x/m-1.safetensors"), "not the name"},
        {entry(""), "not the name"},
        {entry("."), "not the name"},
        {entry(".."), "not the name"},
        {entry("m-1.bin"), "not the name"},
        {entry("m-1\\u0000.safetensors"), "not the name"},
        {R"({"weight_map":{"b":"m-1.safetensors"}})", "is not in m-1.safetensors"},
        {R"({"weight_map":{"a":"m-1.safetensors","a":"m-1.safetensors"}})", "twice"},
    };
    for (const auto& [text, message] : indices) {
        const auto index = folder.write("sub/m.index.json", text);
        folder.write("sub/m-1.safetensors", shard("a", "\x01\x02"));
        const std::string found = thrownBy([&] { ShardedWeights(index, "unet/m.index.json"); });
        CAPTURE(text);
        CAPTURE(found);
        CHECK(found.starts_with("bad-file: unet/m.index.json: "));
        CHECK(contains(found, message));
    }
    const auto index = folder.write("m.index.json", entry("m-9.safetensors"));
    CHECK(thrownBy([&] {
              ShardedWeights(index, "unet/m.index.json");
          }).starts_with("not-found: unet/m-9.safetensors"));
}
