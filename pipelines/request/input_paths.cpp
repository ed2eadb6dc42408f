#include "pipelines/request/input_paths.h"

namespace kinora::pipelines {

std::vector<std::string*> inputPaths(ImageRequest& request) {
    std::vector<std::string*> paths = {&request.latentsPath, &request.initPath, &request.maskPath};
    for (std::string& path : request.controlImages) paths.push_back(&path);
    for (std::string& path : request.adapterImages) paths.push_back(&path);
    return paths;
}

} // namespace kinora::pipelines
