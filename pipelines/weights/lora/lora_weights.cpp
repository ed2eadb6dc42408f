#include "pipelines/weights/lora/lora_weights.h"

#include "kernels/base/error.h"
#include "kernels/base/rounding.h"
#include "pipelines/weights/json_text.h"
#include "pipelines/weights/lora/lora_family.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace kinora::pipelines {
namespace {

constexpr std::string_view kWeight = ".weight", kBias = ".bias";

MatrixSize matrixSize(const kernels::Shape& shape) {
    if (shape.rank() == 0 || shape.elements() == 0) return {1, shape.elements()};
    return {shape[0], shape.elements() / shape[0]};
}

bool fits(const DeltaSize& delta, const MatrixSize& tensor) {
    const bool rows = !delta.rows || *delta.rows == tensor.rows;
    if (!delta.columns || *delta.columns == tensor.columns) return rows;
    // IA3 has one factor for all positions of an input.
    return !delta.rows && tensor.columns % *delta.columns == 0;
}

// Whether each kind that the module has parts of has all of them.
bool isWhole(const LoraModule& module) {
    for (const TargetPart part : {TargetPart::Weight, TargetPart::Bias})
        if (const DeltaKind* kind = findDeltaKind(module, part); kind && !kind->size(module, part))
            return false;
    return true;
}

// Told of all of the file: of one the count would not tell how much is lost.
void checkWhole(const LoraFile& file) {
    const LoraModule* first = nullptr;
    int64_t count = 0;
    for (const LoraModule& module : file.modules()) {
        if (isWhole(module)) continue;
        if (count++ == 0) first = &module;
    }
    if (!first) return;
    const std::string others = count == 1
                                   ? ""
                                   : ", and so for " + std::to_string(count - 1) + " more of its " +
                                         std::to_string(file.modules().size()) + " modules";
    throw Error(ErrorCode::BadFile,
                file.label() + ": what it has for " + briefName(first->name) +
                    " is incomplete or does not fit together" + others + "; its first tensor is " +
                    briefName(first->firstTensor) + ".",
                "The file is damaged; get it again.");
}

} // namespace

ModuleNames moduleNames(const WeightSource& source) {
    constexpr std::string_view kText = "text_model.";
    ModuleNames names;
    for (const std::string& tensor : source.names())
        for (const std::string_view ending : {kWeight, kBias}) {
            if (!tensor.ends_with(ending)) continue;
            const std::string module = tensor.substr(0, tensor.size() - ending.size());
            names.emplace(flattenedName(module), module);
            names.emplace(flattenedName(std::string(kText) + module), module);
            if (module.starts_with(kText))
                names.emplace(flattenedName(module.substr(kText.size())), module);
        }
    return names;
}

LoraWeights::LoraWeights(std::unique_ptr<WeightSource> source, std::string_view component,
                         std::vector<Use> uses, const ModuleNames& names)
    : m_source(std::move(source)), m_uses(std::move(uses)), m_matches(m_uses.size()) {
    for (size_t use = 0; use < m_uses.size(); ++use) match(use, component, names);
}

ModuleBlocks moduleBlocks(const ModuleNames& names) {
    struct Row {
        std::string_view beginning; // of a flattened name; a number follows, but in the middle
        size_t first, count;
    };
    constexpr Row kRows[] = {
        {"input_blocks_", LoraBlocks::kFirstInput, LoraBlocks::kInputs},
        {"middle_block_", LoraBlocks::kMiddle, 1},
        {"output_blocks_", LoraBlocks::kFirstOutput, LoraBlocks::kOutputs},
    };
    ModuleBlocks blocks;
    for (const auto& [flat, module] : names)
        for (const Row& row : kRows) {
            if (!flat.starts_with(row.beginning)) continue;
            size_t number = 0;
            if (row.count > 1)
                std::from_chars(flat.data() + row.beginning.size(), flat.data() + flat.size(),
                                number);
            if (number < row.count) blocks.emplace(module, row.first + number);
        }
    return blocks;
}

void LoraWeights::match(size_t use, std::string_view component, const ModuleNames& names) {
    const std::optional<LoraBlocks>& weights = m_uses[use].blocks;
    const ModuleBlocks blocks = weights ? moduleBlocks(names) : ModuleBlocks();
    checkWhole(*m_uses[use].file);
    for (const LoraModule& module : m_uses[use].file->modules()) {
        if (module.component != component) continue;
        const auto found = names.find(module.name);
        bool used = false;
        if (found != names.end()) {
            float strength = m_uses[use].strength;
            if (const auto block = blocks.find(found->second); block != blocks.end())
                strength *= static_cast<float>(weights->weights[block->second]);
            used = addPatch(use, module, found->second, TargetPart::Weight, strength);
            used = addPatch(use, module, found->second, TargetPart::Bias, strength) || used;
        }
        if (used)
            ++m_matches[use].modules;
        else
            m_matches[use].surplus.push_back(module.firstTensor);
    }
}

// Whether the module changes that tensor of the source's module and the tensor is there.
bool LoraWeights::addPatch(size_t use, const LoraModule& module, const std::string& name,
                           TargetPart part, float strength) {
    if (!findDeltaKind(module, part)) return false;
    const std::string tensor = name + std::string(part == TargetPart::Weight ? kWeight : kBias);
    const std::optional<TensorInfo> info = m_source->find(tensor, {});
    if (!info) return false;
    checkFits(*m_uses[use].file, module, *info, part);
    if (strength == 0) return true;
    Patch& patch = m_patches[tensor];
    patch.size = matrixSize(info->shape);
    patch.part = part;
    patch.changes.push_back({use, &module, strength});
    return true;
}

void LoraWeights::checkFits(const LoraFile& file, const LoraModule& module,
                            const TensorInfo& tensor, TargetPart part) const {
    const DeltaSize size = *findDeltaKind(module, part)->size(module, part);
    const MatrixSize own = matrixSize(tensor.shape);
    const bool lengthsFit = part == TargetPart::Bias || magnitudeFits(module, own);
    if (fits(size, own) && lengthsFit) return;
    const std::string family = familyOf(file);
    const auto text = [](const DeltaSize& matrix) {
        const auto side = [](std::optional<int64_t> count) {
            return count ? std::to_string(*count) : std::string("any");
        };
        return side(matrix.rows) + " x " + side(matrix.columns);
    };
    throw Error(ErrorCode::Unsupported,
                file.label() + ": was made for " +
                    (family.empty() ? std::string("another kind of model") : family) + "; its " +
                    briefName(module.firstTensor) + " changes a weight of " + text(size) +
                    ", this model's is " + text({own.rows, own.columns}) + ".",
                "Use it with a model of the kind that it was made for.");
}

void LoraWeights::read(std::string_view name, int64_t first, std::span<float> values) const {
    const auto found = m_patches.find(name);
    if (found == m_patches.end() || values.empty()) {
        m_source->read(name, first, values);
        return;
    }
    const Patch& patch = found->second;
    prepare(name, patch);
    // Deltas come in whole rows; the part that was asked for is cut out of these.
    const int64_t columns = patch.size.columns;
    const int64_t firstRow = first / columns;
    const int64_t end = first + static_cast<int64_t>(values.size());
    const int64_t lastRow = std::min(ceilDiv(end, columns), patch.size.rows);
    std::vector<float> rows(static_cast<size_t>((lastRow - firstRow) * columns));
    readRows(name, patch, m_deltas.size(), firstRow, rows);
    std::copy_n(rows.begin() + (first - firstRow * columns), values.size(), values.begin());
}

// The rows with the first `deltas` changes.
void LoraWeights::readRows(std::string_view name, const Patch& patch, size_t deltas,
                           int64_t firstRow, std::span<float> rows) const {
    m_source->read(name, firstRow * patch.size.columns, rows);
    for (size_t i = 0; i < deltas; ++i) m_deltas[i]->apply(rows, firstRow);
}

void LoraWeights::prepare(std::string_view name, const Patch& patch) const {
    const std::lock_guard lock(m_preparing);
    if (m_prepared == name) return;
    m_prepared.clear();
    m_deltas.clear();
    for (const Change& change : patch.changes) {
        const size_t before = m_deltas.size();
        const DeltaTarget target{patch.size, patch.part,
                                 [this, tensor = std::string(name), &patch,
                                  before](int64_t firstRow, std::span<float> rows) {
                                     readRows(tensor, patch, before, firstRow, rows);
                                 }};
        m_deltas.push_back(
            makeDelta(*m_uses[change.use].file, *change.module, target, change.strength));
    }
    m_prepared = name;
}

} // namespace kinora::pipelines
