#pragma once
// What is made of a picture before a ControlNet or T2I-Adapter follows it, without any network. One
// file for each preparation (preparations.h) and a row in a table. Any thread.
//
//     Image edges = preparePicture(loadImage(path).value(), "canny");

#include "core/media/image.h"

#include <string_view>
#include <vector>

namespace kinora::core {

// "none" first, which leaves the picture as it is.
std::vector<std::string_view> preparationNames();

// picture: RGB -> RGB of its size. Throws Error{InvalidArgument} for another name; std::bad_alloc.
Image preparePicture(Image picture, std::string_view preparation);

} // namespace kinora::core
