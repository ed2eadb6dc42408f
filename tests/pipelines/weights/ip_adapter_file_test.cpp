#include "pipelines/weights/ip_adapter_file.h"
#include "pipelines/weights/model.h"
#include "tests/support/golden_file.h"
#include "tests/support/thrown_error.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>

using namespace kinora;
using namespace kinora::pipelines;

namespace {

std::shared_ptr<const IpAdapterFile> adapter(const std::string& name) {
    return std::make_shared<const IpAdapterFile>(test::goldenPath("ip_adapters/" + name));
}

} // namespace

TEST_CASE("what an adapter is, is told by its tensors") {
    CHECK(adapter("base.safetensors")->kind() == IpAdapterKind::Pooled);
    CHECK(adapter("base.safetensors")->pictureWidth() == 24);
    CHECK(adapter("base.safetensors")->tokenWidth() == 16);
    CHECK(adapter("base.safetensors")->attentions() == 16);
    CHECK(adapter("plus.bin")->kind() == IpAdapterKind::Resampled);
    CHECK(adapter("full.safetensors")->kind() == IpAdapterKind::Full);
    CHECK(test::contains(
        test::thrownBy([] { IpAdapterFile(test::goldenPath("tiny-sd1.safetensors")); }),
        "is no IP-Adapter, but a whole model;"));
}

TEST_CASE("attentions are numbered down, up, middle") {
    const Model model = Model::open(test::goldenPath("tiny-sd1"));
    const auto names = crossAttentions(*model.weights("unet"));
    REQUIRE(names.size() == 16);
    CHECK(names.front() == "down_blocks.0.attentions.0.transformer_blocks.0.attn2");
    CHECK(names[6].starts_with("up_blocks.1.attentions.0."));
    CHECK(names.back().starts_with("mid_block."));
}

TEST_CASE("an adapter of another family is refused") {
    Model model = Model::open(test::goldenPath("tiny-xl"));
    CHECK(test::thrownBy([&] {
              model.add(adapter("base.safetensors"));
          }).starts_with("unsupported: base.safetensors: was made for another kind of model"));
}

TEST_CASE("a tensor that does not fit is told of the adapter's file, not of the denoiser's") {
    Model model = Model::open(test::goldenPath("tiny-sd1"));
    model.add(adapter("base.safetensors"));
    const auto weights = model.weights("unet");
    const std::string name = crossAttentions(*weights).front() + ".processor.to_k_ip.0.weight";
    const auto info = weights->find(name, {});
    REQUIRE(info.has_value());
    CHECK(weights->find(name, info->shape).has_value());
    CHECK(test::thrownBy([&] {
              (void)weights->find(name, kernels::Shape{3, 5});
          }).starts_with("bad-file: base.safetensors: \"ip_adapter.1.to_k_ip.weight\" has"));
}
