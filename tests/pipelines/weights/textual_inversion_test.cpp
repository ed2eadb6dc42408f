// Files from tests/golden/generate_embeddings.py, and damaged ones.

#include "kernels/base/error.h"
#include "pipelines/weights/textual_inversion.h"
#include "tests/support/golden_file.h"
#include "tests/support/temporary_folder.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

using namespace kinora;
using namespace kinora::pipelines;

namespace {

TextualInversion golden(const char* name) {
    return TextualInversion(test::goldenPath(std::string("embeddings/") + name));
}

std::string errorOf(const auto& action) {
    try {
        action();
    } catch (const Error& error) {
        return error.message();
    }
    return "none";
}

bool contains(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

// One tensor of that header, all of one value.
std::string fileOf(const std::string& name, const std::string& shape, size_t elements,
                   float value) {
    std::string header = R"({")" + name + R"(":{"dtype":"F32","shape":)" + shape +
                         R"(,"data_offsets":[0,)" + std::to_string(elements * 4) + "]}}";
    const uint64_t length = header.size();
    std::string bytes(reinterpret_cast<const char*>(&length), sizeof length);
    bytes += header;
    for (size_t i = 0; i < elements; ++i)
        bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    return bytes;
}

} // namespace

TEST_CASE("every layout gives its vectors") {
    struct Row {
        const char* file;
        int64_t count, width;
    };
    for (const Row& row : {Row{"token.safetensors", 1, 16}, Row{"kohya.safetensors", 2, 16},
                           Row{"easy-word.pt", 4, 16}, Row{"learned.bin", 1, 16}}) {
        CAPTURE(row.file);
        const TextualInversion file = golden(row.file);
        CHECK(file.count() == row.count);
        CHECK(file.vectorsFor("text_encoder").width == row.width);
        CHECK(file.vectorsFor("text_encoder_2").width == row.width); // of the only one
        file.checkFits(Model::open(test::goldenPath("tiny-sd1")));
    }
    const TextualInversion xl = golden("xlword.safetensors");
    CHECK(xl.count() == 3);
    CHECK(xl.family() == "SDXL");
    xl.checkFits(Model::open(test::goldenPath("tiny-xl")));
    CHECK(xl.vectorsFor("text_encoder").values != xl.vectorsFor("text_encoder_2").values);
}

TEST_CASE("one for another family is refused, and both are named") {
    const test::TemporaryFolder folder;
    const Model sd1 = Model::open(test::goldenPath("tiny-sd1"));
    const Model xl = Model::open(test::goldenPath("tiny-xl"));
    const auto path = folder.write("wide.safetensors", fileOf("emb_params", "[2,768]", 1536, 1));
    const std::string wide = errorOf([&] { TextualInversion(path).checkFits(sd1); });
    CHECK(contains(wide, "made for Stable Diffusion 1.x"));
    CHECK(contains(wide, "vectors have 768 values, this model takes 16"));
    CHECK(contains(errorOf([&] { golden("xlword.safetensors").checkFits(sd1); }), "for SDXL"));
    CHECK(contains(errorOf([&] { golden("token.safetensors").checkFits(xl); }),
                   "another kind of model"));
}

TEST_CASE("what is no embedding, or damaged, is refused") {
    const test::TemporaryFolder folder;
    const auto read = [&](const std::string& bytes) {
        const auto path = folder.write("file.safetensors", bytes);
        return errorOf([&] { TextualInversion file(path); });
    };
    CHECK(read(fileOf("<cat>", "[2,16]", 32, 1)) == "none");
    CHECK(contains(read(fileOf("conv_in.weight", "[4,4]", 16, 1)), "is no textual inversion"));
    CHECK(contains(read(fileOf("<cat>", "[2,2,4]", 16, 1)), "is no textual inversion"));
    CHECK(contains(read(fileOf("emb_params", "[2,2,4]", 16, 1)), "is not a list of vectors"));
    CHECK(contains(read(fileOf("emb_params", "[0,16]", 0, 1)), "0 vectors"));
    CHECK(contains(read(fileOf("emb_params", "[2000,2]", 4000, 1)), "2000 vectors"));
    CHECK(contains(read(fileOf("emb_params", "[2,16]", 32, std::nanf(""))), "no numbers"));
    CHECK(contains(
        errorOf([] { TextualInversion file(test::goldenPath("loras/kohya.safetensors")); }),
        "is no textual inversion, but a LoRA."));
}
