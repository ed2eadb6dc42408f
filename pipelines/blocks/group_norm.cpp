#include "pipelines/blocks/group_norm.h"

#include "kernels/base/error.h"

namespace kinora::pipelines {
namespace {

int checkedGroups(std::string_view name, int64_t channels, int64_t groups) {
    if (groups < 1 || channels % groups != 0)
        throw Error(ErrorCode::BadFile,
                    "The config's \"norm_num_groups\", " + std::to_string(groups) +
                        ", does not divide the " + std::to_string(channels) + " channels of " +
                        std::string(name) + ".",
                    "The model's config is damaged or made by hand; fetch the model again.");
    return static_cast<int>(groups);
}

} // namespace

GroupNorm::GroupNorm(const Weights& from, std::string_view name, int64_t channels,
                     int64_t groupCount, float eps)
    : groups(checkedGroups(name, channels, groupCount)), epsilon(eps) {
    weights = from.norm(name, channels);
}

kernels::Tensor GroupNorm::operator()(const kernels::Tensor& x,
                                      kernels::Activation activation) const {
    return kernels::groupNorm(x, weights.scale, weights.shift, groups, epsilon, activation);
}

} // namespace kinora::pipelines
