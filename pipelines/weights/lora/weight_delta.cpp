#include "pipelines/weights/lora/weight_delta.h"

#include <utility>

namespace kinora::pipelines {
namespace {

constexpr const DeltaKind* kKinds[] = {&kLowRankKind,     &kHadamardKind,   &kKroneckerKind,
                                       &kGeneralizedKind, &kOrthogonalKind, &kDifferenceKind,
                                       &kIa3Kind};

} // namespace

const DeltaKind* findDeltaKind(const LoraModule& module, TargetPart target) {
    for (const DeltaKind* kind : kKinds)
        if (kind->fits(module, target)) return kind;
    return nullptr;
}

const DeltaKind* findDeltaKind(const LoraModule& module) {
    const DeltaKind* kind = findDeltaKind(module, TargetPart::Weight);
    return kind ? kind : findDeltaKind(module, TargetPart::Bias);
}

std::unique_ptr<WeightDelta> makeDelta(const LoraFile& file, const LoraModule& module,
                                       const DeltaTarget& target, float strength) {
    auto delta = findDeltaKind(module, target.part)->make(file, module, target, strength);
    const bool decomposed = module.has(LoraPart::DoraScale) || module.has(LoraPart::Magnitude);
    if (!decomposed || target.part == TargetPart::Bias) return delta;
    return withMagnitude(std::move(delta), file, module, target);
}

} // namespace kinora::pipelines
