#include "pipelines/weights/external_vae.h"
#include "pipelines/weights/model.h"
#include "tests/support/checkpoint_kinds.h"
#include "tests/support/golden_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using test::contains;
using test::thrownBy;

namespace {

std::vector<float> valuesOf(const WeightSource& source, const std::string& name) {
    const auto info = source.find(name, {});
    REQUIRE(info.has_value());
    std::vector<float> values(static_cast<size_t>(info->shape.elements()));
    source.read(name, 0, values);
    return values;
}

} // namespace

TEST_CASE("a VAE is found in a folder and in a whole checkpoint, with the same weights") {
    const Model own = Model::open(test::goldenPath("tiny-sd1"));
    const auto expected = own.weights("vae");
    const std::string places[] = {"tiny-sd1/vae/diffusion_pytorch_model.safetensors",
                                  "tiny-sd1.safetensors", "tiny-sd1.ckpt"};
    for (const std::string& place : places) {
        CAPTURE(place);
        const ExternalVae vae(test::goldenPath(place));
        CHECK((vae.config() != nullptr) == place.starts_with("tiny-sd1/"));
        const auto found = vae.weights(own.config("vae"));
        for (const std::string& name : expected->names())
            CHECK((valuesOf(*found, name) == valuesOf(*expected, name)));
    }
}

TEST_CASE("a model takes another's VAE with its config") {
    Model model = Model::open(test::goldenPath("tiny-sd1"));
    const Model other = Model::open(test::goldenPath("tiny-sd2v"));
    model.replaceVae(
        ExternalVae(test::goldenPath("tiny-sd2v/vae/diffusion_pytorch_model.safetensors")));
    CHECK(model.config("vae") == other.config("vae"));
    CHECK((model.weights("vae")->names() == other.weights("vae")->names()));
    CHECK(!model.additions().empty());
}

TEST_CASE("a VAE that was replaced in place is another addition") {
    namespace fs = std::filesystem;
    const test::TemporaryFolder folder;
    const fs::path config = folder.path() / "config.json";
    const fs::path file = folder.path() / "diffusion_pytorch_model.safetensors";
    fs::copy(test::goldenPath("tiny-sd1/vae/config.json"), config);
    fs::copy(test::goldenPath("tiny-sd1/vae/diffusion_pytorch_model.safetensors"), file);
    const auto time = fs::last_write_time(file);
    const auto additions = [&] {
        Model model = Model::open(test::goldenPath("tiny-sd1"));
        model.replaceVae(ExternalVae(file));
        return model.additions();
    };
    const std::string first = additions();
    CHECK(additions() == first);
    folder.write("config.json", R"({"scaling_factor": 0.5})");
    const std::string otherConfig = additions();
    CHECK(otherConfig != first);
    fs::copy(test::goldenPath("tiny-sd2v/vae/diffusion_pytorch_model.safetensors"), file,
             fs::copy_options::overwrite_existing);
    REQUIRE(fs::file_size(file) !=
            fs::file_size(test::goldenPath("tiny-sd1/vae/diffusion_pytorch_model.safetensors")));
    fs::last_write_time(file, time);
    CHECK(additions() != otherConfig);
}

TEST_CASE("a file without a VAE says what it has") {
    const std::string refusal =
        thrownBy([] { ExternalVae vae(test::goldenPath("loras/kohya.safetensors")); });
    CHECK(contains(refusal,
                   "unsupported: kohya.safetensors: has no VAE that is known here, it is a "
                   "LoRA;"));
    CHECK(contains(refusal, "lora_te"));
}

TEST_CASE("a VAE whose latents are of another kind is refused by its name") {
    Model model = Model::open(test::goldenPath("tiny-sd1"));
    const std::string file = "tiny-autoencoders/odd/diffusion_pytorch_model.safetensors";
    CHECK(thrownBy([&] { model.replaceVae(ExternalVae(test::goldenPath(file))); })
              .starts_with("unsupported: diffusion_pytorch_model.safetensors: is a VAE for another "
                           "kind of model: its latents have 5 channels, those of tiny-sd1 4."));
}
