// Single files in the CompVis layout against the same weights in a folder, bit by bit. The files
// are made by tests/golden/generate_checkpoints.py, where diffusers reads them to the same end.

#include "pipelines/weights/checkpoint.h"
#include "pipelines/weights/model.h"
#include "pipelines/weights/safetensors_writer.h"
#include "tests/support/checkpoint_kinds.h"
#include "tests/support/golden_file.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using test::thrownBy;
namespace fs = std::filesystem;

namespace {

std::vector<float> valuesOf(const WeightSource& source, const std::string& name, int64_t count) {
    std::vector<float> values(static_cast<size_t>(count));
    source.read(name, 0, values);
    return values;
}

// Folders of newer transformers leave "text_model." out; the layers take both.
std::string fullName(const std::string& component, const std::string& name) {
    const bool isShort = component == "text_encoder" && !name.starts_with("text_model.");
    return isShort ? "text_model." + name : name;
}

} // namespace

TEST_CASE("a single file has the very weights of the folder") {
    for (const test::TinyKind& kind : test::kTinyKinds) {
        CAPTURE(kind.model);
        const test::TemporaryFolder folder;
        const Model own = Model::open(test::goldenPath(kind.model));
        const Checkpoint checkpoint(test::goldenPath(std::string(kind.model) + ".safetensors"),
                                    makeTinyKind(folder, kind));
        CHECK(checkpoint.kindName() == std::string("Kind ") + kind.model);
        CHECK(checkpoint.predictionType() == kind.prediction);
        CHECK(!checkpoint.predictionIsGuessed());
        for (const std::string component : {"unet", "vae", "text_encoder"}) {
            CAPTURE(component);
            const auto expected = own.weights(component);
            const auto found = checkpoint.weights(component, own.config(component));
            CHECK(found->names().size() == expected->names().size()); // nothing is left over
            for (const std::string& name : expected->names()) {
                CAPTURE(name);
                const std::string full = fullName(component, name);
                const auto info = expected->find(name, {});
                const auto same = found->find(full, info->shape);
                REQUIRE(same.has_value());
                CHECK((same->shape == info->shape));
                const int64_t count = info->shape.elements();
                CHECK((valuesOf(*found, full, count) == valuesOf(*expected, name, count)));
            }
        }
    }
}

TEST_CASE("a part of a tensor is read from its own beginning") {
    const test::TinyKind& kind = test::kTinyKinds[1];
    const test::TemporaryFolder folder;
    const Model own = Model::open(test::goldenPath(kind.model));
    const Checkpoint checkpoint(test::goldenPath("tiny-sd2v.safetensors"),
                                makeTinyKind(folder, kind));
    const auto found = checkpoint.weights("text_encoder", own.config("text_encoder"));
    const std::string name = "encoder.layers.0.self_attn.v_proj.bias";
    const std::vector<float> whole = valuesOf(*own.weights("text_encoder"), name, 24);
    std::vector<float> tail(10);
    found->read("text_model." + name, 14, tail);
    CHECK((tail == std::vector<float>(whole.begin() + 14, whole.end())));
}

TEST_CASE("a file of another kind says what it is") {
    const test::TemporaryFolder folder;
    const fs::path kinds = makeTinyKind(folder, test::kTinyKinds[0]);
    const auto refusal = [&](const std::string& tensor) {
        const fs::path file = folder.path() / "other.safetensors";
        const std::vector<float> zeros(4);
        writeSafetensors(file, std::vector<NamedValues>{{tensor, kernels::Shape{4}, zeros}});
        return thrownBy([&] { Checkpoint(file, kinds); });
    };
    CHECK(refusal("lora_unet_mid.lora_up.weight").find("a LoRA") != std::string::npos);
    CHECK(refusal("control_model.input_hint_block.0.bias").find("a ControlNet") !=
          std::string::npos);
    CHECK(refusal("model.diffusion_model.out.2.bias").find("denoiser alone") != std::string::npos);
    CHECK(refusal("nothing.at.all").find("not known") != std::string::npos);
    CHECK(refusal("nothing.at.all").find("other.safetensors") != std::string::npos);
}
