#pragma once
// Opens the components of a model one after another and tells how much of all weights is read.
//
//     ComponentLoader loader(model, device, DType::F32, progress);
//     Unet2d unet(Unet2dConfig::fromJson(...), loader.open("unet"));
//
// Must outlive nothing: layers keep what they read.

#include "kernels/backend/device.h"
#include "pipelines/weights/model.h"
#include "pipelines/weights/weights.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kinora::pipelines {

class ComponentLoader {
  public:
    // component: as a person calls it, "text encoder"; fraction: of all weight bytes, 0 to 1.
    using Progress = std::function<void(const std::string& component, double fraction)>;

    // model must outlive the loader. Reads headers only. Throws Error{NotFound, BadFile}.
    ComponentLoader(const Model& model, kernels::Device& device, kernels::DType compute,
                    Progress progress);

    // name: "unet". Owned by the loader, with its source. Once for each component.
    const Weights& open(const std::string& name);

    const Model& model() const { return m_model; }
    // Names in the opened components' files that nothing asked for: "unet/conv_in.extra".
    std::vector<std::string> unused() const;

  private:
    struct Component {
        std::string label;
        std::unique_ptr<WeightSource> source;
        std::unique_ptr<Weights> weights;
    };
    const Model& m_model;
    kernels::Device& m_device;
    kernels::DType m_compute;
    Progress m_progress;
    std::map<std::string, Component> m_components;
    int64_t m_totalBytes = 0;  // of all components
    int64_t m_bytesBefore = 0; // of those opened so far
};

} // namespace kinora::pipelines
