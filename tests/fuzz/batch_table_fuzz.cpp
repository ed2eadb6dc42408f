// A table of pictures: the first byte says of what kind.

#include "core/project/batch_expansion.h"
#include "tests/fuzz/fuzz_support.h"

#include <nlohmann/json.hpp>

using namespace kinora;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    constexpr const char* kKinds[] = {".csv", ".jsonl", ".txt"};
    const auto table = core::parseBatchTable(fuzz::text(data + 1, size - 1), kKinds[data[0] % 3]);
    if (!table) {
        fuzz::requirePresentable(table.error());
        return 0;
    }
    for (const core::BatchRow& row : table->rows) {
        fuzz::require(row.line >= 1, "lines are counted from one");
        for (const auto& [parameter, text] : row.values) {
            fuzz::require(parameter != nullptr, "a value has a parameter");
            fuzz::require(isValidUtf8(text), "cells are UTF-8");
            if (core::isAssetParameter(parameter->name)) return 0; // it would open a file
            if (parameter->name == "count") return 0;              // it would make thousands
        }
    }
    core::BatchOptions options;
    options.name = "fuzz";
    const auto batch = core::expandBatch(*table, options, core::AssetStore("/nonexistent"));
    if (!batch) fuzz::requirePresentable(batch.error());
    return 0;
}
