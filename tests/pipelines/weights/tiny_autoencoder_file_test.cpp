// Files from tests/golden/generate_tiny_autoencoders.py.

#include "kernels/base/error.h"
#include "pipelines/weights/external_vae.h"
#include "pipelines/weights/model.h"
#include "pipelines/weights/safetensors_writer.h"
#include "pipelines/weights/tiny_autoencoder_file.h"
#include "tests/support/golden_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
namespace fs = std::filesystem;

namespace {

fs::path golden(const std::string& name) {
    return test::goldenPath("tiny-autoencoders/" + name);
}

std::vector<float> valuesOf(const WeightSource& source, const std::string& name) {
    const auto info = source.find(name, {});
    REQUIRE(info.has_value());
    std::vector<float> values(static_cast<size_t>(info->shape.elements()));
    source.read(name, 0, values);
    return values;
}

} // namespace

TEST_CASE("TAESD's own files say the config and have the folder's weights") {
    const auto folder =
        TinyAutoencoderFile::find(golden("taesd/diffusion_pytorch_model.safetensors"));
    const auto own = TinyAutoencoderFile::find(golden("taesd/taesd_decoder.pth"));
    REQUIRE(folder);
    REQUIRE(own);
    CHECK(own->files().size() == 2);
    CHECK(folder->files().size() == 1);
    CHECK(own->config() == folder->config());
    const nlohmann::json config = test::readGoldenJson("tiny-autoencoders/taesd/config.json");
    for (const auto& [key, value] : own->config().items()) CHECK(config.at(key) == value);
    const auto expected = folder->weights(), found = own->weights();
    REQUIRE((found->names() == expected->names()));
    for (const std::string& name : expected->names())
        CHECK((valuesOf(*found, name) == valuesOf(*expected, name)));
}

TEST_CASE("a decoder alone can be used, an encoder alone not") {
    const test::TemporaryFolder folder;
    const fs::path decoder = folder.path() / "small.pth", encoder = folder.path() / "other.pth";
    fs::copy(golden("taesd/taesd_decoder.pth"), decoder);
    fs::copy(golden("taesd/taesd_encoder.pth"), encoder);
    const auto found = TinyAutoencoderFile::find(decoder);
    REQUIRE(found);
    CHECK(found->config().at("latent_channels") == 4);
    CHECK_FALSE(found->weights()->find("encoder.layers.0.weight", {}));
    const std::string alone = test::thrownBy([&] { TinyAutoencoderFile::find(encoder); });
    CHECK(test::contains(alone, "the encoder of a small autoencoder alone"));
}

// FLUX.2's small decoder pools within its blocks.
TEST_CASE("blocks with parts that are not known are refused, not run without them") {
    const test::TemporaryFolder folder;
    const fs::path other = folder.path() / "other_decoder.safetensors";
    const auto known = TinyAutoencoderFile::find(golden("taesd/taesd_decoder.pth"));
    REQUIRE(known);
    const auto source = known->weights();
    std::vector<std::vector<float>> values;
    std::vector<NamedValues> tensors;
    for (const std::string& name : source->names()) {
        values.push_back(valuesOf(*source, name));
        tensors.push_back({name, source->find(name, {})->shape, values.back()});
    }
    writeSafetensors(other, tensors);
    CHECK(TinyAutoencoderFile::find(other));
    const std::vector<float> pooled = {0.5f};
    tensors.push_back({"decoder.layers.2.pool.0.weight", kernels::Shape{1}, pooled});
    writeSafetensors(other, tensors);
    const std::string said = test::thrownBy([&] { TinyAutoencoderFile::find(other); });
    CHECK(test::contains(said, "a layout that is not known"));
}

TEST_CASE("other files are none") {
    CHECK_FALSE(TinyAutoencoderFile::find(test::goldenPath("tiny-sd1.safetensors")));
    CHECK_FALSE(TinyAutoencoderFile::find(test::goldenPath("loras/kohya.safetensors")));
}

TEST_CASE("a model takes it in the place of its VAE") {
    Model model = Model::open(test::goldenPath("tiny-sd1"));
    model.replaceVae(ExternalVae(golden("taesd/taesd_decoder.pth")));
    CHECK(model.config("vae").at("_class_name") == "AutoencoderTiny");
    CHECK(model.weights("vae")->find("decoder.layers.2.conv.0.weight", {}));
    const std::string both = model.additions();
    CHECK(test::contains(both, "taesd_decoder.pth"));
    CHECK(test::contains(both, "taesd_encoder.pth"));
}
