#pragma once
// What a pass does with a picture that goes through an upscaler.

#include "core/engine/passes/pass.h"
#include "core/media/image.h"
#include "kernels/backend/registry.h"
#include "kernels/base/cancel_token.h"

#include <functional>

namespace kinora::core {

// how: as it was planned. tile: called after each tile. Throws Error as upscalePicture gives it,
// and Cancelled.
Image enlargedPicture(const kernels::BackendRegistry& backends, const PictureEnlargement& how,
                      const Image& picture, const CancelToken& cancel,
                      const std::function<void()>& tile);

} // namespace kinora::core
