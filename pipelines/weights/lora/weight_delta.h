#pragma once
// What one module of a LoRA file does to one tensor of the model. A kind of delta is one file that
// implements WeightDelta, and a row in the table of weight_delta.cpp.

#include "pipelines/weights/lora/lora_file.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace kinora::pipelines {

// A tensor as a matrix: [out, everything else]. A vector has one column.
struct MatrixSize {
    int64_t rows = 0, columns = 0;
};

// Of the tensors that a delta can be applied to; none: any number.
struct DeltaSize {
    std::optional<int64_t> rows, columns;
};

// Which tensor of a module.
enum class TargetPart { Weight, Bias };

// Fills whole rows of the tensor, from firstRow, as they are before the delta. May be asked as long
// as the delta lives.
using RowReader = std::function<void(int64_t firstRow, std::span<float> rows)>;

struct DeltaTarget {
    MatrixSize size;
    TargetPart part = TargetPart::Weight;
    RowReader before;
};

class WeightDelta {
  public:
    virtual ~WeightDelta() = default;
    // rows: whole rows of the tensor, from firstRow; changed in place.
    virtual void apply(std::span<float> rows, int64_t firstRow) const = 0;
};

// strength: a person's; 1 is as it was trained.
using MakeDelta = std::unique_ptr<WeightDelta> (*)(const LoraFile& file, const LoraModule& module,
                                                   const DeltaTarget& target, float strength);

struct DeltaKind {
    std::string_view name; // "LoHa"
    // Whether the module has parts of this kind that change the target.
    bool (*fits)(const LoraModule& module, TargetPart target);
    // Where fits(): of what it changes; nullopt where parts are missing or do not fit together.
    std::optional<DeltaSize> (*size)(const LoraModule& module, TargetPart target);
    MakeDelta make; // reads the numbers; size() has been seen to fit
};

extern const DeltaKind kLowRankKind;     // LoRA, LoCon
extern const DeltaKind kHadamardKind;    // LoHa
extern const DeltaKind kKroneckerKind;   // LoKr
extern const DeltaKind kGeneralizedKind; // GLoRA
extern const DeltaKind kOrthogonalKind;  // OFT
extern const DeltaKind kIa3Kind;         // IA3
extern const DeltaKind kDifferenceKind;  // full differences, norms

// What the module does to the target: nullptr where it leaves that as it is.
const DeltaKind* findDeltaKind(const LoraModule& module, TargetPart target);
// What it does to the weight, else to the bias; nullptr where its parts belong to no kind.
const DeltaKind* findDeltaKind(const LoraModule& module);

// The delta of a module for a target that it changes, with DoRA's normalisation of the weight where
// the module has it. Throws Error{Io, BadFile}.
std::unique_ptr<WeightDelta> makeDelta(const LoraFile& file, const LoraModule& module,
                                       const DeltaTarget& target, float strength);

// The same kind of delta, and then each row (or column) brought to a learnt length.
// Source: Liu et al. 2024, DoRA, equation 5.
std::unique_ptr<WeightDelta> withMagnitude(std::unique_ptr<WeightDelta> delta, const LoraFile& file,
                                           const LoraModule& module, const DeltaTarget& target);
bool magnitudeFits(const LoraModule& module, const MatrixSize& size);

} // namespace kinora::pipelines
