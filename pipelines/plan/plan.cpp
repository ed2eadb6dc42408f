#include "pipelines/plan/plan.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace kinora::pipelines {

Plan following(const Plan& first, const Plan& second) {
    Plan both = second;
    both.steps = first.steps + second.steps;
    both.seconds = first.seconds + second.seconds;
    both.secondsPerStep = (first.secondsPerStep * static_cast<double>(first.steps) +
                           second.secondsPerStep * static_cast<double>(second.steps)) /
                          static_cast<double>(std::max<int64_t>(both.steps, 1));
    both.weightBytes = std::max(first.weightBytes, second.weightBytes);
    both.peakBytes = std::max(first.peakBytes, second.peakBytes);
    if (first.tiling != "none") both.tiling = first.tiling;
    if (first.preview != "none") both.preview = first.preview;
    both.fits = first.fits && second.fits;
    if (!first.fits) both.advice = first.advice;
    return both;
}

nlohmann::json toJson(const Plan& plan) {
    return {{"device", plan.device},
            {"deviceName", plan.deviceName},
            {"threads", plan.threads},
            {"precision", plan.precision},
            {"batch", plan.batch},
            {"tiling", plan.tiling},
            {"preview", plan.preview},
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
