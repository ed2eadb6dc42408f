#pragma once
// Parts of the tiny golden models on a device, and what goes in and out of them.
//
//     ModelParts parts("tiny-sd1", "cpu", DType::F32);
//     Unet2d unet(Unet2dConfig::fromJson(parts.config("unet")), parts.weights("unet"));
//     Tensor y = unet(parts.input("unet.sample"), {...});
//     CHECK(parts.error(y, "unet.output") < 1e-5);

#include "kernels/backend/registry.h"
#include "pipelines/weights/model.h"
#include "pipelines/weights/weights.h"
#include "tests/support/golden_file.h"

#include <map>
#include <memory>
#include <string>

namespace kinora::test {

// The CPU and the meta back end.
const kernels::BackendRegistry& allBackends();

class ModelParts {
  public:
    // compute: what the models compute in.
    ModelParts(const std::string& model, std::string_view backend, kernels::DType compute);

    kernels::Device& device() { return *m_device; }
    const GoldenFile& golden() const { return m_golden; }

    nlohmann::json config(const std::string& component) const;
    // Owned by this, with their source.
    const pipelines::Weights& weights(const std::string& component);

    // A golden tensor on the device; on the meta back end its shape.
    kernels::Tensor input(const std::string& name, kernels::DType dtype = kernels::DType::F32);
    // relativeError() of a result of any compute dtype; 0 on the meta back end.
    double error(const kernels::Tensor& found, const std::string& expected);

  private:
    std::string m_folder;
    kernels::DType m_compute;
    GoldenFile m_golden;
    std::unique_ptr<kernels::Device> m_device;
    struct Part {
        std::unique_ptr<pipelines::WeightSource> source;
        std::unique_ptr<pipelines::Weights> weights;
    };
    std::map<std::string, Part> m_parts;
};

} // namespace kinora::test
