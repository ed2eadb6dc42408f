#pragma once
// The pictures that a request begins from, read from their files and brought to the run's size.
//
//     InputPictures pictures = InputPictures::read(request);
//     ImageRequest resolved = resolveRequest(request, model, pictures.size());
//     RunInputs inputs = pictures.scaledTo(*resolved.width, *resolved.height);

#include "core/media/image.h"
#include "pipelines/image/resolve_request.h"
#include "pipelines/image/run_inputs.h"

#include <string>
#include <vector>

namespace kinora::core {

class InputPictures {
  public:
    // What the request names with --init and --mask; nothing where it names nothing. Throws
    // Error{NotFound, BadFile, Unsupported, OutOfMemory, Io} naming the file.
    static InputPictures read(const pipelines::ImageRequest& request);

    // Of the picture; 0 where there is none.
    pipelines::PictureSize size() const { return {m_init.width, m_init.height}; }

    // Both stretched to that size (resizeImage), whatever their own shapes are. Of the mask its
    // luma counts, on black where it is transparent.
    pipelines::RunInputs scaledTo(int64_t width, int64_t height) const;

    // What scaling changes that a person may not expect; sentences.
    std::vector<std::string> notes(int64_t width, int64_t height) const;

  private:
    Image m_init, m_mask;
};

} // namespace kinora::core
