#include "pipelines/plan/plan.h"

#include <nlohmann/json.hpp>

namespace kinora::pipelines {

nlohmann::json toJson(const Plan& plan) {
    return {{"device", plan.device},
            {"deviceName", plan.deviceName},
            {"threads", plan.threads},
            {"precision", plan.precision},
            {"batch", plan.batch},
            {"tiling", plan.tiling},
            {"width", plan.width},
            {"height", plan.height},
            {"steps", plan.steps},
            {"count", plan.count},
            {"seconds", plan.seconds},
            {"secondsPerStep", plan.secondsPerStep},
            {"weightBytes", plan.weightBytes},
            {"peakBytes", plan.peakBytes},
            {"availableBytes", plan.availableBytes},
            {"fits", plan.fits},
            {"advice", plan.advice}};
}

} // namespace kinora::pipelines
