#pragma once
// One component of a single-file checkpoint, under the names that the layers ask for.

#include "pipelines/weights/checkpoint_names.h"
#include "pipelines/weights/weight_source.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace kinora::pipelines {

class CheckpointWeights final : public WeightSource {
  public:
    // file: shared by the components of a model. prefix: what the component's tensors begin with
    // in it, "model.diffusion_model.".
    CheckpointWeights(std::shared_ptr<const WeightSource> file, std::string_view prefix,
                      const CheckpointNames& names);

    const std::string& label() const override { return m_file->label(); }
    // A matrix stored as a convolution of 1x1 is found in the shape that is expected.
    std::optional<TensorInfo> find(std::string_view name,
                                   const kernels::Shape& expected) const override;
    // As the layers ask for them; what nobody can ask for keeps the name that it has in the file.
    std::vector<std::string> names() const override;
    int64_t totalBytes() const override { return m_totalBytes; }
    void read(std::string_view name, int64_t first, std::span<float> values) const override;

  private:
    struct Place {
        TensorInfo stored; // the whole tensor in the file
        int part = 0;
        int parts = 1;
        bool transposed = false;
    };
    void readTransposed(const Place& place, int64_t first, std::span<float> values) const;

    std::shared_ptr<const WeightSource> m_file;
    std::map<std::string, Place, std::less<>> m_places;
    int64_t m_totalBytes = 0;
};

} // namespace kinora::pipelines
