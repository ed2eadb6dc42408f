#include "pipelines/weights/safetensors_header.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>

#include <string>

using namespace kinora;
using namespace kinora::pipelines;
using kinora::test::contains;
using kinora::test::thrownBy;

namespace {

struct Malformed {
    std::string what;
    std::string header;
    uint64_t dataBytes;
    const char* message; // the code, and words of the message
};

std::string describe(const char* name, const char* dtype, const char* shape, const char* offsets) {
    return std::string("\"") + name + R"(":{"dtype":")" + dtype + R"(","shape":)" + shape +
           R"(,"data_offsets":)" + offsets + "}";
}

std::string one(const char* dtype, const char* shape, const char* offsets) {
    return "{" + describe("w", dtype, shape, offsets) + "}";
}

std::string pair(const char* firstOffsets, const char* secondOffsets) {
    return "{" + describe("a", "F32", "[2]", firstOffsets) + "," +
           describe("b", "F32", "[2]", secondOffsets) + "}";
}

const std::string kDeep = std::string(100'000, '[');

const Malformed kMalformed[] = {
    {"nothing", "", 0, "bad-file: the header is not valid JSON"},
    {"no JSON", "hello", 0, "bad-file: the header is not valid JSON"},
    {"cut JSON", R"({"w":{"dtype":"F32")", 0, "bad-file: the header is not valid JSON"},
    {"something after", "{} {}", 0, "bad-file: the header is not valid JSON"},
    {"bad UTF-8", "{\"\xff\":{}}", 0, "bad-file: the header is not valid JSON"},
    {"a list", "[]", 0, "bad-file: the header is not a JSON object"},
    {"a number", "3", 0, "bad-file: the header is not a JSON object"},
    {"deep lists", kDeep, 0, "bad-file: the header is not a JSON object"},
    {"deep in a shape", R"({"w":{"shape":[)" + kDeep, 0, "bad-file: tensor \"w\" has a list"},
    {"deep objects", R"({"w":{"dtype":{"w":{)", 0, "bad-file: tensor \"w\" has an object"},
    {"a tensor that is none", R"({"w":3})", 0, "bad-file: \"w\" is a number"},
    {"null for a tensor", R"({"w":null})", 0, "bad-file: \"w\" is null"},
    {"no dtype", R"({"w":{"shape":[1],"data_offsets":[0,4]}})", 4, "bad-file: has no \"dtype\""},
    {"no shape", R"({"w":{"dtype":"F32","data_offsets":[0,4]}})", 4, "bad-file: has no \"shape\""},
    {"no offsets", R"({"w":{"dtype":"F32","shape":[1]}})", 4, "bad-file: has no \"data_offsets\""},
    {"unknown field", R"({"w":{"dtyp":"F32"}})", 0, "bad-file: the unknown field \"dtyp\""},
    {"field twice", R"({"w":{"dtype":"F32","dtype":"F16"}})", 0, "bad-file: has \"dtype\" twice"},
    {"dtype a number", R"({"w":{"dtype":7}})", 0, "bad-file: a number in its \"dtype\""},
    {"shape a text", R"({"w":{"shape":"[1]"}})", 0, "bad-file: a text in its \"shape\""},
    {"negative extent", one("F32", "[-1]", "[0,4]"), 4, "bad-file: a negative number"},
    {"fraction", one("F32", "[1.5]", "[0,4]"), 4, "bad-file: a fraction"},
    {"extent above 2^63", one("F32", "[9223372036854775808]", "[0,4]"), 4, "bad-file: absurd"},
    {"extent above 2^64", one("F32", "[18446744073709551616]", "[0,4]"), 4, "bad-file: fraction"},
    {"seven dimensions", one("F32", "[1,1,1,1,1,1,1]", "[0,4]"), 4, "bad-file: dimensions"},
    {"a product that overflows", one("F32", "[4294967296,4294967296]", "[0,0]"), 0,
     "bad-file: overflows"},
    {"bytes that overflow", one("F64", "[2305843009213693952]", "[0,0]"), 0, "bad-file: overflows"},
    {"one offset", one("F32", "[1]", "[0]"), 4, "bad-file: two data_offsets"},
    {"three offsets", one("F32", "[1]", "[0,4,8]"), 4, "bad-file: more than two"},
    {"negative offset", one("F32", "[1]", "[-4,0]"), 4, "bad-file: negative"},
    {"reversed offsets", one("F32", "[1]", "[4,0]"), 4, "bad-file: before it begins"},
    {"too few bytes", one("F32", "[2]", "[0,4]"), 4, "bad-file: takes 4 bytes"},
    {"too many bytes", one("F16", "[2]", "[0,8]"), 8, "bad-file: takes 8 bytes"},
    {"past the end", one("F32", "[2]", "[0,8]"), 4, "bad-file: cut short"},
    {"a hole at the start", one("F32", "[1]", "[4,8]"), 8, "bad-file: belong to no tensor"},
    {"a hole between", pair("[0,8]", "[12,20]"), 20, "bad-file: belong to no tensor"},
    {"bytes left over", one("F32", "[1]", "[0,4]"), 5, "bad-file: at the end of the file"},
    {"overlap", pair("[0,8]", "[4,12]"), 12, "bad-file: overlap"},
    {"the same place", pair("[0,8]", "[0,8]"), 8, "bad-file: overlap"},
    {"a name twice",
     "{" + describe("w", "F32", "[1]", "[0,4]") + "," + describe("w", "F32", "[1]", "[4,8]") + "}",
     8, "bad-file: names tensor \"w\" twice"},
    {"unknown dtype", one("F4_E2M1", "[1]", "[0,4]"), 4, "unsupported: \"F4_E2M1\""},
    {"metadata a list", R"({"__metadata__":[]})", 0, "bad-file: a list"},
    {"metadata of numbers", R"({"__metadata__":{"a":1}})", 0, "bad-file: only texts"},
    {"metadata twice", R"({"__metadata__":{},"__metadata__":{}})", 0, "bad-file: twice"},
};

} // namespace

TEST_CASE("a malformed header is refused with the file's name and the reason") {
    for (const Malformed& file : kMalformed) {
        CAPTURE(file.what);
        const std::string found = thrownBy(
            [&] { parseSafetensorsHeader(file.header, file.dataBytes, "unet/w.safetensors"); });
        const std::string expected = file.message;
        const size_t colon = expected.find(": ");
        CAPTURE(found);
        CHECK(found.starts_with(expected.substr(0, colon) + ": unet/w.safetensors: "));
        CHECK(contains(found, expected.substr(colon + 2)));
        CHECK(found.size() < 300);
    }
}

TEST_CASE("a good header is read, sorted by name") {
    const std::string header = "{" + describe("b", "BF16", "[2,3]", "[0,12]") + "," +
                               describe("a", "I64", "[]", "[12,20]") +
                               R"(,"__metadata__":{"format":"pt"},)" +
                               describe("empty", "F32", "[0,5]", "[12,12]") + "}      ";
    const auto tensors = parseSafetensorsHeader(header, 20, "x");
    REQUIRE(tensors.size() == 3);
    CHECK(tensors[0].name == "a");
    CHECK(tensors[0].dtype == kernels::DType::I64);
    CHECK((tensors[0].shape == kernels::Shape{}));
    CHECK(tensors[1].name == "b");
    CHECK((tensors[1].shape == kernels::Shape{2, 3}));
    CHECK(tensors[1].begin == 0);
    CHECK(tensors[1].end == 12);
    CHECK((tensors[2].shape == kernels::Shape{0, 5}));
}

TEST_CASE("a long name does not make a long message") {
    const std::string name(1'000'000, 'x');
    const std::string header = "{\"" + name + "\":3}";
    CHECK(thrownBy([&] { parseSafetensorsHeader(header, 0, "w"); }).size() < 300);
}
