#pragma once
// The pictures that a request begins from, read from their files and brought to the run's size.
//
//     InputPictures pictures = InputPictures::read(request);
//     ImageRequest resolved = resolveRequest(request, model, pictures.size());
//     RunInputs inputs = pictures.scaledTo(*resolved.width, *resolved.height);

#include "core/media/image.h"
#include "pipelines/image/resolve_request.h"
#include "pipelines/image/run_inputs.h"

#include <filesystem>
#include <string>
#include <vector>

namespace kinora::core {

// A picture as CLIP's encoder looks at it: its shorter side brought to `side` pixels by a bicubic
// filter, the middle cut out, in 8 bits, without alpha; [side,side,3] in 0..1. As transformers'
// CLIPImageProcessor, before it normalises. Throws as read().
pipelines::HostTensor pictureForClip(const std::filesystem::path& file, int64_t side);

class InputPictures {
  public:
    // What the request names with --init and --mask (on the canvas of --outpaint), --control-image
    // and --adapter-image; nothing where it names nothing. Throws Error{NotFound, BadFile,
    // Unsupported, OutOfMemory, Io} naming the file.
    static InputPictures read(const pipelines::ImageRequest& request);

    // Of the picture; 0 where there is none.
    pipelines::PictureSize size() const { return {m_init.width, m_init.height}; }

    // Both stretched to that size in 8 bits (resizeImage), whatever their own shapes are. Of the
    // mask its luma counts, on black where it is transparent. What nets follow lies on white and is
    // prepared after it was stretched.
    pipelines::RunInputs scaledTo(int64_t width, int64_t height) const;

    // What scaling changes that a person may not expect; sentences.
    std::vector<std::string> notes(int64_t width, int64_t height) const;

  private:
    struct Guide { // what a ControlNet or T2I-Adapter follows
        Image picture;
        std::string prepare; // a name of core/media/prepare
    };
    static std::vector<Guide> readGuides(const std::vector<std::string>& paths,
                                         const std::vector<std::string>& preparations);

    Image m_init, m_mask; // the mask in colour, but for one that was grown by outpainting
    std::vector<Guide> m_controls, m_adapters;
};

// A picture that a run made, for another run of that size (resizeImage): [height,width,3 or 4].
pipelines::HostTensor scaledPicture(const Image& picture, int64_t width, int64_t height);

} // namespace kinora::core
