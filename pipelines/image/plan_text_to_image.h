#pragma once
// The plan of a text-to-image run: the pipeline itself runs once on the meta back end, from the
// headers of the model's files.

#include "kernels/backend/device.h"
#include "pipelines/image/text_to_image.h"
#include "pipelines/plan/plan.h"
#include "pipelines/plan/time_model.h"
#include "pipelines/request/image_request.h"
#include "pipelines/weights/model.h"

#include <memory>
#include <string>

namespace kinora::pipelines {

// What the machine has to offer a run; filled by core.
struct Machine {
    kernels::DeviceDescription device{};
    std::string backend = "cpu";
    int threads = 1;
    DeviceSpeed speed;               // in the precision of the run
    size_t programBytes = 0;         // resident before any model is loaded
    double bytesReadPerSecond = 1e9; // of model files
};

// "auto": bf16 where the device computes it in hardware, else f32 (measured: in software bf16 is
// several times slower than f32). Throws Error{Unsupported} for a precision the device lacks.
kernels::DType choosePrecision(const std::string& precision, const kernels::BackendTable& backend,
                               int ordinal, const kernels::DeviceDescription& device);

// Plans runs of one model in one precision. It keeps the model's headers, so a second plan takes
// milliseconds. One thread at a time.
class TextToImagePlanner {
  public:
    // threads: of the runs; what kernels take besides depends on it. Throws what loading the model
    // would throw: a mis-shaped tensor is found here.
    TextToImagePlanner(const Model& model, const kernels::BackendTable& meta,
                       kernels::DType compute, int threads);

    // request: resolved. With tiling auto, plan.tiling says what the run has to do. Where the run
    // does not fit, plan.fits is false and advice names the largest size that does. words, part,
    // preview: as the run's inputs have them; pictures count by the request alone. Whether the VAE
    // works in tiles does not depend on previews, so that no picture does.
    Plan plan(ImageRequest request, const Machine& machine,
              const std::vector<LearntWord>& words = {}, const RunPart& part = {},
              const PreviewChoice& preview = {});

    // How a run's previews are made that `tiny` could make: as the request says, and with "auto" by
    // it where that takes at most a twentieth of the steps' time (cheapPooling).
    PreviewChoice choosePreview(const ImageRequest& request, const Machine& machine,
                                PreviewChoice tiny);

    // As TextToImage::callsIn.
    int64_t callsIn(const ImageRequest& request, const RunPart& part) const {
        return m_pipeline.callsIn(request, part);
    }

  private:
    struct Measured {
        size_t weightBytes = 0;
        size_t arenaBytes = 0;
        double textSeconds = 0;
        double stepSeconds = 0;    // without previews
        double previewSeconds = 0; // for each step, one with another
        double decodeSeconds = 0;
    };
    Measured measure(ImageRequest request, const DeviceSpeed& speed);
    std::string largestThatFits(const ImageRequest& request, const Machine& machine);

    std::unique_ptr<kernels::Device> m_device;
    TextToImage m_pipeline;
    std::vector<LearntWord> m_words; // of the run that is planned
    PreviewChoice m_preview;         // likewise
    size_t m_loadingPeakBytes;       // of the arena, while weights were packed
};

} // namespace kinora::pipelines
