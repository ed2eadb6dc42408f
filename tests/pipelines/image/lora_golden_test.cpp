// Whole runs with LoRAs against diffusers: files and numbers from tests/golden/generate_loras.py,
// generate_xl_loras.py and generate_lora_blocks.py.

#include "kernels/backend/registry.h"
#include "kernels/cpu/cpu_backend.h"
#include "pipelines/image/resolve_request.h"
#include "pipelines/image/text_to_image.h"
#include "pipelines/weights/lora/lora_file.h"
#include "pipelines/weights/safetensors.h"
#include "tests/support/checkpoint_kinds.h"
#include "tests/support/golden_file.h"
#include "tests/support/temporary_folder.h"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include <string>
#include <vector>

using namespace kinora;
using namespace kinora::pipelines;
using kernels::DType;

namespace {

constexpr double kTolerance = 1e-4;

std::unique_ptr<kernels::Device> openDevice() {
    static kernels::BackendRegistry backends = [] {
        kernels::BackendRegistry all;
        all.add(kernels::cpuBackend());
        return all;
    }();
    return backends.open("cpu", {.threads = 2});
}

void addLora(Model& model, const std::string& name, float denoiser, float text,
             const std::string& blocks = {}) {
    const auto path = test::goldenPath("loras/" + name + ".safetensors");
    LoraStrength strength{denoiser, text};
    if (!blocks.empty()) strength.blocks = parseLoraBlocks(blocks).value();
    const LoraFit fit = model.add(std::make_shared<const LoraFile>(path), strength);
    CHECK(fit.modules > 0);
    CHECK(fit.surplus.empty());
}

std::vector<float> latentsOf(const Model& model, const nlohmann::json& how,
                             kernels::Device& device) {
    const test::TemporaryFolder folder;
    ImageRequest request;
    request.prompt = how.at("prompt");
    request.negative = how.at("negative");
    request.steps = how.at("steps").get<int64_t>();
    request.cfg = how.at("cfg").get<double>();
    request.seed = how.at("seed").get<int64_t>();
    request.sampler = how.at("sampler").get<std::string>();
    request.saveLatentsPath = (folder.path() / "latents.safetensors").string();
    TextToImage(model, device, DType::F32).run(resolveRequest(request, model), {});
    const SafetensorsFile file(request.saveLatentsPath, "latents");
    const auto info = file.find("latents", {});
    REQUIRE(info.has_value());
    std::vector<float> values(static_cast<size_t>(info->shape.elements()));
    file.read("latents", 0, values);
    return values;
}

} // namespace

TEST_CASE("final latents with LoRAs equal diffusers'") {
    const auto device = openDevice();
    size_t compared = 0;
    for (const std::string start : {"", "xl-", "blocks-"}) {
        const nlohmann::json how = test::readGoldenJson("loras/" + start + "cases.json");
        const test::GoldenFile expected("loras/" + start + "expected.safetensors");
        for (const nlohmann::json& entry : how.at("cases")) {
            const std::string name = entry.at("name");
            CAPTURE(name);
            Model model = Model::open(test::goldenPath(entry.at("model")));
            for (const nlohmann::json& lora : entry.at("loras"))
                addLora(model, lora.at("file"), lora.at("denoiser"), lora.at("text"),
                        lora.value("blocks", ""));
            const double error =
                test::relativeError(latentsOf(model, how, *device), expected.floats(name));
            MESSAGE("LoRA " << name << ": latents differ by " << error);
            CHECK(error <= kTolerance);
            ++compared;
        }
    }
    CHECK(compared == 26);
}

TEST_CASE("a LoRA does the same to a model in one file") {
    const auto device = openDevice();
    const nlohmann::json how = test::readGoldenJson("loras/cases.json");
    const test::TemporaryFolder folder;
    Model file = Model::open(test::goldenPath("tiny-sd1.safetensors"),
                             makeTinyKind(folder, test::kTinyKinds[0]));
    Model own = Model::open(test::goldenPath("tiny-sd1"));
    for (Model* model : {&file, &own}) addLora(*model, "locon", 0.7f, 0.7f);
    CHECK((latentsOf(file, how, *device) == latentsOf(own, how, *device)));
}

TEST_CASE("without its LoRA a model is what it was") {
    const auto device = openDevice();
    const nlohmann::json how = test::readGoldenJson("loras/cases.json");
    const Model plain = Model::open(test::goldenPath("tiny-sd1"));
    Model unused = plain;
    addLora(unused, "kohya", 0, 0);
    Model used = plain;
    addLora(used, "kohya", 1, 1);
    const std::vector<float> expected = latentsOf(plain, how, *device);
    CHECK((latentsOf(unused, how, *device) == expected));
    CHECK((latentsOf(used, how, *device) != expected));
    CHECK((latentsOf(plain, how, *device) == expected));
    CHECK(plain.additions().empty());
    CHECK(used.additions() != unused.additions());
}
