#pragma once
// What a mask keeps gets its own pixels back: an autoencoder changes every pixel of a picture a
// little, also where nothing was made anew.
//
//     Image whole = pastedBack(made, inputs.init, inputs.mask, {.blurPixels = 4});

#include "core/media/image.h"
#include "pipelines/image/host_tensor.h"

#include <array>

namespace kinora::core {

struct PasteBack {
    double blurPixels = 0; // deviation of the Gaussian that softens the seam; 0: a hard one
    // What a kept picture that is transparent lies on where the one that was made is opaque.
    std::array<float, 3> behind = {1, 1, 1};
};

// made: from kept [H,W,3 or 4] by mask [H,W,1], of their size -> itself where the mask is 0.5 or
// more, which is what was made anew. Outside of that it fades into the kept pixels as the blurred
// mask falls; beyond four times blurPixels from all that is masked at all, these are as they were,
// to the bit. Colour fades as much as it is opaque. Source: the seam as A1111's web UI draws it,
// which takes twice the blurred mask, so that nothing of the old picture shines through the new.
Image pastedBack(Image made, const pipelines::HostTensor& kept, const pipelines::HostTensor& mask,
                 const PasteBack& how);

} // namespace kinora::core
