#include "core/devices/device_list.h"

#include "kernels/base/error.h"
#include "kernels/base/log.h"
#include "pipelines/image/plan_text_to_image.h"

#include <algorithm>
#include <sstream>
#include <string_view>
#include <thread>

namespace kinora::core {
namespace {

DeviceInfo describe(const kernels::BackendTable& backend, int32_t ordinal, int threads) {
    kernels::DeviceDescription description{};
    if (backend.describe(ordinal, &description) != kernels::Status::Ok)
        throw Error(ErrorCode::Internal, std::string("The device ") + backend.name + ":" +
                                             std::to_string(ordinal) + " does not answer.");
    DeviceInfo info;
    info.device = backend.name;
    if (backend.deviceCount() > 1) info.device += ":" + std::to_string(ordinal);
    info.name = description.name;
    std::istringstream features(description.features);
    for (std::string feature; features >> feature;) info.features.push_back(feature);
    info.threads =
        threads > 0 ? threads : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
    info.memoryBytes = description.memoryBytes;
    info.availableBytes = description.freeMemoryBytes;
    info.precision =
        kernels::dtypeName(pipelines::choosePrecision("auto", backend, ordinal, description));
    return info;
}

} // namespace

std::vector<DeviceInfo> listDevices(const kernels::BackendRegistry& backends, int threads) {
    std::vector<DeviceInfo> devices;
    for (const kernels::BackendTable* backend : backends.all()) {
        if (std::string_view(backend->name) == "meta") continue;
        for (int32_t ordinal = 0; ordinal < backend->deviceCount(); ++ordinal) {
            try {
                devices.push_back(describe(*backend, ordinal, threads));
            } catch (const Error& error) {
                logMessage(LogLevel::Warning, error.message());
            }
        }
    }
    return devices;
}

} // namespace kinora::core
