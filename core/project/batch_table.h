#pragma once
// A table of pictures to make: a row for each, any parameter of the one table as a column.
//
//     CSV (and TSV): a first line with the names of the columns
//     JSONL:         an object of parameters on each line
//     TXT:           a prompt on each line
//
// A column is called as in JSON, as the option or as the label: "guidanceRescale",
// "guidance-rescale", "Guidance rescale". "note" is kept with the row; columns that begin with #
// are passed over. An empty cell asks for nothing.

#include "kernels/base/result.h"
#include "pipelines/request/parameters.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kinora::core {

struct BatchRow {
    int64_t line = 1;                                                        // of the file, from 1
    std::vector<std::pair<const pipelines::Parameter*, std::string>> values; // as typed
    std::string note;
};

struct BatchTable {
    std::string file; // its name, without folders
    std::vector<BatchRow> rows;
};

// By the extension: csv, tsv, jsonl or ndjson, txt. Hostile input. Errors: BadFile and
// InvalidArgument that say the line and the column, Unsupported (another extension), NotFound, Io.
Result<BatchTable> readBatchTable(const std::filesystem::path& path);

// The same of bytes in any encoding; extension: ".csv" ...
Result<BatchTable> parseBatchTable(std::string_view bytes, std::string_view extension);

bool isBatchTable(const std::filesystem::path& path);

// As people write it; nullptr where there is none.
const pipelines::Parameter* parameterOfColumn(std::string_view name);

} // namespace kinora::core
